/** Keeps passwords out of everything that a tool prints. */

/**
 * `text` with the passwords of all iSCSI URLs in it replaced. A URL's user information ends at the last `@` before the
 * next URL: rather hide too much of a malformed URL than print the end of a password.
 */
export function redact(text: string): string {
  return text
    .replace(
      /((?:iscsi|iser):\/\/[^%:@/?\s]*)[%:](?:(?!(?:iscsi|iser):\/\/)[\s\S])*@/gi,
      (_, start: string) => `${start}%***@`,
    )
    .replace(/(\btarget_password=)[^&\s'"]*/gi, '$1***');
}

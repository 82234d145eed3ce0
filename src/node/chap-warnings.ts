/** Warnings about secrets, to whoever runs the process: each is given once, by `process.emitWarning`. */

const said = new Set<string>();

/** A short secret is used because that was allowed. `TSISCSI_SHORT_SECRET` */
export function warnShortSecret(user: string): void {
  const danger = 'whoever records a login can find it by trying';
  warnOnce('TSISCSI_SHORT_SECRET', `The CHAP secret of "${user}" has less than 96 bits: ${danger}`);
}

/** Two users have the same secret. `TSISCSI_SHARED_SECRET` */
export function warnSharedSecret(one: string, other: string): void {
  const [first, second] = [one, other].sort();
  const danger = 'each can pass for the other';
  warnOnce('TSISCSI_SHARED_SECRET', `"${first}" and "${second}" have the same CHAP secret: ${danger}`);
}

function warnOnce(code: string, message: string): void {
  if (said.has(message)) return;
  said.add(message);
  process.emitWarning(message, { code });
}

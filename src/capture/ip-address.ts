/** Addresses of the Internet as bytes and as text. */
import { viewOf } from '../bytes/hex.ts';

/**
 * The 4 or 16 bytes of an address; a zone (`%eth0`) is passed over. What is no address gives 0.0.0.0: a capture needs
 * some address, and none is wrong enough to lose it for.
 *
 * @example
 * ipBytes('127.0.0.1'); // hex 7f 00 00 01
 */
export function ipBytes(text: string): Uint8Array<ArrayBuffer> {
  const [address = ''] = text.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const plain = mapped ?? address;
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(plain)) return Uint8Array.from(plain.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const front = groupsOf(head);
  const back = tail === undefined ? [] : groupsOf(tail);
  if (!address.includes(':') || front.length + back.length > 8) return new Uint8Array(4);
  const bytes = new Uint8Array(16);
  const view = viewOf(bytes);
  for (const [index, group] of front.entries()) view.setUint16(2 * index, group);
  for (const [index, group] of back.entries()) view.setUint16(16 - 2 * (back.length - index), group);
  return bytes;
}

/**
 * Four or sixteen bytes as text; the longest row of zeros is not shortened, but for `::1` and the like.
 *
 * @example
 * ipText(ipBytes('::1')); // '::1'
 */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const view = viewOf(bytes);
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(2 * index).toString(16));
  return groups.join(':').replace(/(^|:)0(:0)+(:|$)/, '::');
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16) & 0xffff);
}

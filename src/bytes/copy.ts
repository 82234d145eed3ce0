/** Copies `source[from, to)` to `target` at `at`. The one place where payload is moved; a row of `bench/` prices it. */
export function copyBytes(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): void {
  if (from === 0 && to === source.length) target.set(source, at);
  else target.set(source.subarray(from, to), at);
}

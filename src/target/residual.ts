/** How much more or less than announced was to be moved (RFC 7143 §11.4.5). */
export interface ResidualFields {
  overflow: boolean;
  underflow: boolean;
  residualCount: number;
}

/** Fills in the residual of a transfer of `wanted` bytes for which the initiator expected `expected`. */
export function setResidual(into: ResidualFields, wanted: number, expected: number): void {
  into.overflow = wanted > expected;
  into.underflow = wanted < expected;
  into.residualCount = Math.abs(wanted - expected);
}

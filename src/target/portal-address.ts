/** Where a connection comes in, or a listener listens. */
export interface PortalAddress {
  /** An address without brackets: of a connection the local one, which SendTargets tells. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
}

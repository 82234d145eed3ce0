/**
 * Whoever watches the PDUs of a connection. It is asked whether it does before each of them, so that must be cheap.
 * What is passed is valid until the call returns, and the calls must not throw.
 */
export interface PduWatcher {
  /** Whether the next two are of use. */
  readonly watchesPdus: boolean;
  /** A header was written: it stands at `at`, AHS and digest behind it. Its data segment follows. */
  pduSent(view: DataView, at: number): void;
  /** A PDU has come whole; its header is at `at`. */
  pduReceived(view: DataView, at: number): void;
}

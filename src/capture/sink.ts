/** What a recorder writes to. */

/** Whether bytes left this process or came in. */
export type Direction = 0 | 1;
/** Sent by this process. */
export const SENT: Direction = 0;
/** Received by this process. */
export const RECEIVED: Direction = 1;

/** One end of a TCP connection. */
export interface TcpEnd {
  /** IPv4 or IPv6 address as text. */
  readonly address: string;
  readonly port: number;
}

/** Both ends of a TCP connection, and which of them asked for it. */
export interface TcpEnds {
  readonly local: TcpEnd;
  readonly remote: TcpEnd;
  /** Whether this process asked for the connection. */
  readonly client: boolean;
}

/** One connection, as whoever keeps it sees it. Bytes are copied by whoever wants to keep them. */
export interface ConnectionSink {
  /** The connection stands. Milliseconds since 1970, as all times here. */
  opened(time: number, ends: TcpEnds): void;
  /** A PDU of the login, whole, secrets blanked. Its bytes are the sink's. */
  login(direction: Direction, time: number, pdu: Uint8Array): void;
  /** The login is over. From here on so many bytes of digest, 4 or 0, follow headers and data segments. */
  agreed(headerDigest: number, dataDigest: number): void;
  /**
   * `bytes[from, to)`: PDUs of which all but the last are whole; of the last, `skipped` bytes follow that are not
   * shown.
   */
  add(direction: Direction, time: number, bytes: Uint8Array, from: number, to: number, skipped: number): void;
  /**
   * Takes received Data-In PDUs whose data is cut, as many as begin at `from` and are kept before `to`, in one go.
   * Optional: who has none gets them by `add`.
   * @returns Where the next PDU begins; `from` when there was none.
   */
  addDataIn?(time: number, bytes: Uint8Array, from: number, to: number): number;
  /** The connection is over. */
  closed(time: number, failed: boolean): void;
}

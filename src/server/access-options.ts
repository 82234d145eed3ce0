/** Who may use a target, as its maker says it. */
import type { ChapOptions } from '../login/chap-options.ts';

/** An initiator that may log in to a target. */
export interface InitiatorDefinition {
  /** Its iSCSI name. */
  readonly name: string;
  /** What it has to prove. Default: the `chap` of the target. False: nothing, and everybody can call himself so. */
  readonly chap?: ChapOptions | false;
  /** The numbers of the logical units that it sees; to it there are no others. Default: all. */
  readonly luns?: readonly number[];
}

/** Who may use a target. */
export interface AccessOptions {
  /**
   * What every initiator has to prove with CHAP (RFC 7143 §12.1.3) of which `initiators` says nothing else: its name
   * and password, and in turn those of the target. Default: nothing.
   */
  readonly chap?: ChapOptions;
  /** The initiators that may log in; nobody else may, or is told of the target. Default: everybody. */
  readonly initiators?: readonly InitiatorDefinition[];
}

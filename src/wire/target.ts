import type { Socket } from 'node:net';
import { DEFAULT_PARAMETERS, type OperationalParameters } from '../login/parameters.ts';
import { WireConnection, type WireConnectionOptions } from './connection.ts';
import { DigestWatch, endsLogin } from './digest-watch.ts';
import type { Distortion, PduDraft } from './draft.ts';
import { TargetNumbers } from './target-numbers.ts';
import {
  type AsyncMessageDraft,
  asyncMessage,
  type DataInDraft,
  dataIn,
  type LoginResponseDraft,
  type LogoutResponseDraft,
  loginResponse,
  logoutResponse,
  type NopInDraft,
  nopIn,
  pong,
  type R2TDraft,
  type RejectDraft,
  r2t,
  reject,
  type ScsiResponseDraft,
  scsiResponse,
  type TaskManagementResponseDraft,
  type TextResponseDraft,
  taskManagementResponse,
  textResponse,
} from './target-pdus.ts';
import { WirePdu } from './wire-pdu.ts';

/** How a raw target begins. */
export interface WireTargetOptions extends WireConnectionOptions {
  /** The first StatSN; 1 when left out. */
  readonly statSN?: number;
  /** How many commands the initiator may send ahead; 32 when left out. */
  readonly window?: number;
}

/**
 * A target on one connection that says what it is told to, right or wrong, and shows what the initiator sends. Whatever
 * a call does not name has the value that the rules give it. Each method sends one PDU and gives its bytes.
 *
 * @example
 * await using listener = await WireListener.open();
 * await using initiator = await WireInitiator.connect(listener.address);
 * await using target = await listener.accept();
 * const loggedIn = logIn(initiator);
 * await answerLogin(target);
 * await loggedIn;
 * initiator.text({ pairs: [['SendTargets', 'All']] });
 * const request = await target.expect('TEXT_REQUEST');
 * target.textResponse(request, { pairs: [['TargetName', 'iqn.2003-01.org.example:disk']] });
 * (await initiator.expect('TEXT_RESPONSE')).pairs; // [['TargetName', 'iqn.2003-01.org.example:disk']]
 */
export class WireTarget extends WireConnection {
  readonly numbers: TargetNumbers;
  /** What a login has agreed on; `answerLogin()` sets it. */
  parameters: OperationalParameters = DEFAULT_PARAMETERS;
  readonly #digestWatch = new DigestWatch();

  /** @param socket Just accepted, and with half-open ends allowed; {@link WireListener} makes such. */
  constructor(socket: Socket, options: WireTargetOptions = {}) {
    super(socket, options);
    this.numbers = new TargetNumbers(options);
  }

  /** Answers a Login Request. */
  loginResponse(to: WirePdu, fields?: LoginResponseDraft, distortion?: Distortion): Uint8Array {
    const draft = loginResponse(this.numbers, to, fields);
    const bytes = this.send(draft, distortion);
    const response = headerOf(draft).read('LOGIN_RESPONSE');
    this.#digestWatch.hear('target', draft.data ?? NOTHING, response.continues);
    if (endsLogin(response)) this.digests = this.#digestWatch.agreed;
    return bytes;
  }

  /** Ends a command. */
  scsiResponse(to: WirePdu, fields?: ScsiResponseDraft, distortion?: Distortion): Uint8Array {
    return this.send(scsiResponse(this.numbers, to, fields), distortion);
  }

  /** Sends a piece of what a command reads. */
  dataIn(to: WirePdu, fields?: DataInDraft, distortion?: Distortion): Uint8Array {
    return this.send(dataIn(this.numbers, to, fields), distortion);
  }

  /** Asks for a piece of what a command writes. */
  r2t(to: WirePdu, fields?: R2TDraft, distortion?: Distortion): Uint8Array {
    return this.send(r2t(this.numbers, to, fields), distortion);
  }

  /** Answers a ping. */
  pong(to: WirePdu, fields?: NopInDraft, distortion?: Distortion): Uint8Array {
    return this.send(pong(this.numbers, to, fields), distortion);
  }

  /** Pings the initiator. */
  nop(fields?: NopInDraft, distortion?: Distortion): Uint8Array {
    return this.send(nopIn(this.numbers, fields), distortion);
  }

  /** Answers a Text Request. */
  textResponse(to: WirePdu, fields?: TextResponseDraft, distortion?: Distortion): Uint8Array {
    return this.send(textResponse(this.numbers, to, fields), distortion);
  }

  /** Answers a Task Management Function Request. */
  taskManagementResponse(to: WirePdu, fields?: TaskManagementResponseDraft, distortion?: Distortion): Uint8Array {
    return this.send(taskManagementResponse(this.numbers, to, fields), distortion);
  }

  /** Answers a Logout Request. The connection stays open until it is closed. */
  logoutResponse(to: WirePdu, fields?: LogoutResponseDraft, distortion?: Distortion): Uint8Array {
    return this.send(logoutResponse(this.numbers, to, fields), distortion);
  }

  /** Tells the initiator of an event. */
  asyncMessage(fields: AsyncMessageDraft, distortion?: Distortion): Uint8Array {
    return this.send(asyncMessage(this.numbers, fields), distortion);
  }

  /** Rejects a PDU. */
  reject(to: WirePdu, fields: RejectDraft, distortion?: Distortion): Uint8Array {
    return this.send(reject(this.numbers, to, fields), distortion);
  }

  protected override heard(pdu: WirePdu): boolean {
    this.numbers.hear(pdu);
    if (pdu.is('LOGIN_REQUEST')) {
      this.#digestWatch.hear('initiator', pdu.data, pdu.read('LOGIN_REQUEST').continues);
    }
    return false;
  }
}

const NOTHING = new Uint8Array(0);

/** The header of a draft, to be read. */
function headerOf({ header }: PduDraft): WirePdu {
  const parts = {
    data: NOTHING,
    padding: NOTHING,
    headerDigest: 'absent',
    dataDigest: 'absent',
    arrivedAt: 0,
  } as const;
  return new WirePdu({ headers: header, ...parts });
}

/** Handlers in front of, or instead of, those of a connection: a target that does not do what it should. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplaceHandlers } from '../../src/target/connection-phase.ts';
import { sendPingAnswer } from '../../src/target/nop-in.ts';
import type { RequestHandler } from '../../src/target/request-handler.ts';
import { TargetNode } from '../../src/target/target-node.ts';
import { FakeDevice, read10, write10 } from './fake-device.ts';
import { pattern, RawInitiator, TARGET_NAME } from './raw-initiator.ts';

const NOP_OUT = 0x00;
const DATA_OUT = 0x05;
const LOGIN_REQUEST = 0x03;

/** A handler that hands everything on to another. */
class Relay implements RequestHandler {
  protected readonly next: RequestHandler;

  constructor(next: RequestHandler) {
    this.next = next;
  }

  begin(view: DataView, at: number): void {
    this.next.begin(view, at);
  }

  take(bytes: Uint8Array, from: number, to: number): void {
    this.next.take(bytes, from, to);
  }

  end(view: DataView, at: number): void {
    this.next.end(view, at);
  }

  discard(view: DataView, at: number): void {
    this.next.discard(view, at);
  }

  close(): void {
    this.next.close();
  }
}

/** Loses every third PDU as if it had never come. */
class LosesEveryThird extends Relay {
  #count = 0;
  #lost = false;

  override begin(view: DataView, at: number): void {
    this.#lost = ++this.#count % 3 === 0;
    if (!this.#lost) super.begin(view, at);
  }

  override take(bytes: Uint8Array, from: number, to: number): void {
    if (!this.#lost) super.take(bytes, from, to);
  }

  override end(view: DataView, at: number): void {
    if (!this.#lost) super.end(view, at);
  }
}

function loggedIn(replaceHandlers: ReplaceHandlers) {
  const device = new FakeDevice();
  const node = new TargetNode({ targets: [{ name: TARGET_NAME, device }], replaceHandlers });
  const i = new RawInitiator(node);
  i.login();
  return { i, device };
}

test('a handler in front of another can lose PDUs: every third answer to an R2T', () => {
  const { i, device } = loggedIn((handlers, phase) =>
    phase === 'login'
      ? handlers
      : handlers.map((handler, code) => (code === DATA_OUT ? new LosesEveryThird(handler) : handler)),
  );
  const answered = [1, 2, 3, 4].map((lba) => {
    const tag = i.command(write10(lba, 1), { flags: 0xa1, edtl: 512 });
    const r2t = i.takeOnly();
    assert.deepEqual([r2t.opcode, r2t.tag], [0x31, tag]);
    i.dataOut(tag, r2t.transferTag, 0, 0, pattern(512, lba));
    return i.takeAll().length;
  });
  assert.deepEqual(answered, [1, 1, 0, 1]);
  assert.deepEqual(device.disk.subarray(1024, 1536), pattern(512, 2));
  assert.equal(device.disk[1536], 0, 'the third was never written');
});

test('a handler instead of another can answer wrongly: a ping with other data and another tag', () => {
  const { i } = loggedIn((handlers, phase, sender) => {
    if (phase === 'login') return handlers;
    class WrongEcho extends Relay {
      override end(view: DataView, at: number): void {
        sendPingAnswer(sender, view.getUint32(at + 16) + 1, Uint8Array.of(0xba, 0xd0));
      }
    }
    return handlers.map((handler, code) => (code === NOP_OUT ? new WrongEcho(handler) : handler));
  });
  const tag = i.ping(pattern(8));
  const answer = i.takeOnly();
  assert.deepEqual([answer.opcode, answer.tag, [...answer.data]], [0x20, tag + 1, [0xba, 0xd0]]);
  i.command(read10(0, 1), { edtl: 512 });
  assert.equal(i.takeOnly().opcode, 0x25, 'everything else is as ever');
});

test('handlers of the login can be replaced, too, and each connection has its own', () => {
  const phases: string[] = [];
  const { i } = loggedIn((handlers, phase) => {
    phases.push(phase);
    return handlers;
  });
  assert.deepEqual(phases, ['login', 'fullFeature']);
  i.ping();
  assert.equal(i.takeOnly().opcode, 0x20);

  const device = new FakeDevice();
  const deaf = new TargetNode({
    targets: [{ name: TARGET_NAME, device }],
    replaceHandlers: (handlers) => {
      const [some] = handlers;
      assert.ok(some);
      const silent: RequestHandler = { begin() {}, take() {}, end() {}, discard() {}, close() {} };
      return handlers.map((handler, code) => (code === LOGIN_REQUEST ? silent : handler));
    },
  });
  const other = new RawInitiator(deaf);
  other
    .send(other.loginRequest(0x87, `InitiatorName=iqn.2003-01.org.example:host\0TargetName=${TARGET_NAME}\0`))
    .nothing();
  assert.equal(other.core.loggingIn, true);
});

/** What callers in JavaScript get wrong is told, not guessed at: over every port. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cdb } from '../../src/scsi/cdb.ts';
import type { ScsiRequest } from '../../src/scsi/request.ts';
import { LogicalUnit } from '../../src/unit/logical-unit.ts';
import type { PositionOptions } from '../../src/unit/options.ts';
import { WAYS } from './ways.ts';

/** Options as only JavaScript can give them. */
function wrong<T = PositionOptions>(options: unknown): T {
  return options as T;
}

for (const { name, open } of WAYS) {
  test(`${name}: every view of memory is used by its bytes, and given back as it was given`, async (t) => {
    const { lun, content } = await open(t);
    const memory = Uint8Array.from({ length: 4096 }, (_, at) => at * 7);
    const views = [
      new Uint8Array(memory.buffer, 8, 512),
      Buffer.from(memory.buffer, 1000, 700),
      new Uint8ClampedArray(memory.buffer, 3, 1024),
      new Uint16Array(memory.buffer, 512, 512),
      new Uint32Array(memory.buffer, 4, 128),
      new BigUint64Array(memory.buffer, 16, 65),
      new Float64Array(memory.buffer, 8, 3),
      new DataView(memory.buffer, 13, 519),
    ];
    for (const view of views) {
      const bytes = memory.slice(view.byteOffset, view.byteOffset + view.byteLength);
      const written = await lun.write(view, { position: 700 });
      assert.equal(written.bytesWritten, view.byteLength);
      assert.equal(written.buffer, view);
      assert.deepEqual(content().subarray(700, 700 + view.byteLength), bytes);
      const copy = new ArrayBuffer(view.byteLength + 16);
      const room = Buffer.isBuffer(view)
        ? Buffer.from(copy, 8, view.byteLength)
        : new (view.constructor as typeof DataView)(copy, 8, view.byteLength / (bytesPer(view) ?? 1));
      const read = await lun.read(room, { position: 700 });
      assert.equal(read.bytesRead, view.byteLength);
      assert.equal(read.buffer, room);
      assert.deepEqual(new Uint8Array(copy, 8, view.byteLength), bytes);
      assert.deepEqual(new Uint8Array(copy, 0, 8), new Uint8Array(8));
    }
  });

  test(`${name}: what is no buffer is refused, and nothing is sent`, async (t) => {
    const { lun, changes } = await open(t);
    const before = changes();
    for (const [buffer, shown] of [
      ['hello', '"hello"'],
      [[1, 2, 3], 'an object \\(Array\\)'],
      [new ArrayBuffer(512), 'an object \\(ArrayBuffer\\)'],
      [512, '512'],
      [null, 'null'],
      [undefined, 'undefined'],
    ] as const) {
      const message = new RegExp(`${shown}: a Buffer, TypedArray or DataView allowed$`);
      await assert.rejects(lun.write(wrong<Uint8Array>(buffer), { position: 0 }), { code: 'ISCSI_USAGE', message });
      await assert.rejects(lun.read(wrong<Uint8Array>(buffer), { position: 0 }), { code: 'ISCSI_USAGE', message });
    }
    assert.equal(changes(), before);
  });

  test(`${name}: options that are not known, or cannot be, are refused by name with what is allowed`, async (t) => {
    const { lun, changes } = await open(t);
    const before = changes();
    const block = new Uint8Array(512);
    for (const [options, message] of [
      [undefined, /^Cannot use undefined as options of (read|write): an object allowed$/],
      [null, /^Cannot use null as options/],
      [0, /^Cannot use 0 as options/],
      [{}, /^Cannot use position undefined: a whole number/],
      [{ position: '0' }, /^Cannot use position "0"/],
      [{ position: 0n }, /^Cannot use position 0n/],
      [{ position: null }, /^Cannot use position null/],
      [
        { position: 0, offset: 0 },
        /^Cannot use option "offset" of (read|write): position, forceUnitAccess, signal, timeout/,
      ],
      [{ position: 0, length: 512 }, /^Cannot use option "length"/],
      [{ position: 0, timout: 5 }, /^Cannot use option "timout"/],
      [{ position: 0, toString: 1 }, /^Cannot use option "toString"/],
      [{ position: 0, forceUnitAccess: 'no' }, /^Cannot use a forceUnitAccess of "no": true or false allowed$/],
      [{ position: 0, timeout: '500' }, /^Cannot use a timeout of "500": milliseconds above 0 allowed$/],
      [{ position: 0, timeout: null }, /^Cannot use a timeout of null/],
      [{ position: 0, signal: new AbortController() }, /^Cannot use a signal of .*AbortController.*: an AbortSignal/],
    ] as const) {
      for (const call of [lun.read(block, wrong(options)), lun.write(block, wrong(options))])
        await assert.rejects(call, { code: 'ISCSI_USAGE', message });
    }
    await assert.rejects(lun.read(block, wrong({ position: 0, offset: 0 })), { hint: /buffer\.subarray\(offset/ });
    assert.equal(changes(), before);
    await lun.write(block, wrong({ position: 0, timeout: undefined, signal: undefined, offset: undefined }));
  });

  test(`${name}: so are those of every other call`, async (t) => {
    const { lun } = await open(t);
    const bytes = cdb('TEST_UNIT_READY', {});
    for (const [call, message] of [
      [
        () => lun.flush(wrong({ timeoutMs: 5 })),
        /^Cannot use option "timeoutMs" of flush: signal, timeout, onLoss allowed$/,
      ],
      [() => lun.trim(wrong({ position: 0 })), /undefined/],
      [() => lun.trim(wrong({ position: 0, length: '512' })), /^Cannot use a length of "512"/],
      [() => lun.trim(wrong({ position: 0, length: 512, end: 5 })), /^Cannot use option "end" of trim/],
      [() => lun.inquiry('standard', wrong({ page: 5 })), /^Cannot use option "page" of inquiry/],
      [() => lun.inquiry(wrong<'standard'>('serial')), /^Cannot find VPD page "serial": supportedPages, /],
      [() => lun.inquiry(256), /256/],
      [() => lun.readCapacity(wrong({ long: true })), /^Cannot use option "long" of readCapacity/],
      [() => lun.testUnitReady(wrong({ retries: 5 })), /^Cannot use option "retries" of testUnitReady/],
      [() => LogicalUnit.open(lun.port, wrong({ prob: false })), /^Cannot use option "prob" of LogicalUnit\.open/],
      [() => lun.execute(wrong<ScsiRequest>({})), /^Cannot send as CDB undefined/],
      [() => lun.execute(wrong<ScsiRequest>('00')), /^Cannot use "00" as options of execute/],
      [
        () => lun.execute({ cdb: bytes, attribute: wrong<'simple'>('ORDERED') }),
        /simple, ordered, headOfQueue, aca allowed$/,
      ],
      [
        () => lun.execute(bytes, wrong({ buffer: bytes })),
        /^Cannot use option "buffer" of execute: cdb, dataIn, dataOut/,
      ],
      [
        () => lun.execute(bytes, wrong({ dataIn: 512 })),
        /^Cannot use a dataIn of 512: a Buffer, TypedArray or DataView/,
      ],
    ] as const) {
      await assert.rejects(call, { code: 'ISCSI_USAGE', message });
    }
    const words = new Uint16Array(18);
    const { dataInLength } = await lun.execute(
      wrong<ScsiRequest>({ cdb: cdb('INQUIRY', { allocationLength: 36 }), dataIn: words }),
    );
    assert.equal(dataInLength, 36);
    assert.notEqual(words[17], 0);
  });
}

function bytesPer(view: ArrayBufferView): number | undefined {
  return (view as { readonly BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT;
}

import assert from 'node:assert/strict';
import test from 'node:test';
import { concat, hex } from '../../../src/bytes/hex.ts';
import {
  eui64Designator,
  naaDesignator,
  relativeTargetPortDesignator,
  scsiNameDesignator,
  t10VendorDesignator,
  targetPortGroupDesignator,
} from '../../../src/scsi/data/make-designators.ts';
import {
  readVpdDeviceIdentification,
  writeVpdDeviceIdentification,
} from '../../../src/scsi/data/vpd-device-identification.ts';
import { ASSOCIATION } from '../../../src/spec/scsi-designators.ts';
import { PROTOCOL_IDENTIFIER } from '../../../src/spec/scsi-protocol-identifiers.ts';

const PAGE = hex(`
  00 83 00 68
  02 01 00 0c                                      // ASCII, T10 vendor
    54 53 49 53 43 53 49 20 64 69 73 6b            //   "TSISCSI disk"
  01 03 00 10                                      // binary, NAA 6
    60 01 40 5a bb cc dd ee 00 11 22 33 44 55 66 77
  01 02 00 08                                      // EUI-64
    00 25 38 5a 71 00 00 01
  51 94 00 04 00 00 00 01                          // iSCSI, port, relative target port 1
  51 95 00 04 00 00 00 02                          // iSCSI, port, target port group 2
  53 a8 00 1c                                      // iSCSI, UTF-8, target device, SCSI name
    69 71 6e 2e 32 30 30 33 2d 30 31 2e 6f 72 67 2e 65 78 61 6d 70 6c 65 3a c3 a4 00 00
  01 06 00 04 00 00 00 07                          // logical unit group 7
`);

test('readVpdDeviceIdentification() decodes the designators in wire order', () => {
  const page = readVpdDeviceIdentification(PAGE);
  assert.deepEqual([page.fullLength, page.truncated], [108, false]);
  assert.deepEqual(
    page.designators.map(({ kind, association, protocolIdentifier, codeSet, text }) => [
      kind,
      association,
      protocolIdentifier,
      codeSet,
      text,
    ]),
    [
      ['t10VendorId', 0, undefined, 2, 't10.TSISCSI disk'],
      ['naa', 0, undefined, 1, 'naa.6001405abbccddee0011223344556677'],
      ['eui64', 0, undefined, 1, 'eui.0025385a71000001'],
      ['relativeTargetPort', 1, 5, 1, '1'],
      ['targetPortGroup', 1, 5, 1, '2'],
      ['scsiName', 2, 5, 3, 'iqn.2003-01.org.example:ä'],
      ['logicalUnitGroup', 0, undefined, 1, '7'],
    ],
  );
  const [t10, naa, , port] = page.designators;
  assert.ok(t10?.kind === 't10VendorId' && naa?.kind === 'naa' && port?.kind === 'relativeTargetPort');
  assert.deepEqual([t10.vendorIdentification, t10.vendorSpecificIdentifier], ['TSISCSI', 'disk']);
  assert.deepEqual([naa.naa, port.relativeTargetPort], [6, 1]);
});

test('writeVpdDeviceIdentification() writes what the makers make', () => {
  const { ISCSI } = PROTOCOL_IDENTIFIER;
  const designators = [
    t10VendorDesignator('TSISCSI', 'disk'),
    naaDesignator(hex('6001405abbccddee0011223344556677')),
    eui64Designator(hex('0025385a71000001')),
    relativeTargetPortDesignator(1, ISCSI),
    targetPortGroupDesignator(2, ISCSI),
    scsiNameDesignator('iqn.2003-01.org.example:ä', {
      association: ASSOCIATION.TARGET_DEVICE,
      protocolIdentifier: ISCSI,
    }),
    { codeSet: 1, designatorType: 6, designator: hex('00 00 00 07') },
  ];
  assert.deepEqual(writeVpdDeviceIdentification({ designators }), PAGE);
});

test('what was read can be written', () => {
  assert.deepEqual(writeVpdDeviceIdentification(readVpdDeviceIdentification(PAGE)), PAGE);
});

test('readVpdDeviceIdentification() decodes the rarer types', () => {
  const one = (text: string) => {
    const descriptor = hex(text);
    return readVpdDeviceIdentification(concat(Uint8Array.of(0, 0x83, 0, descriptor.length), descriptor)).designators[0];
  };
  const kindAndText = (text: string) => {
    const designator = one(text);
    return [designator?.kind, designator?.text];
  };
  assert.deepEqual(kindAndText('01 0a 00 12 10 00 00112233445566778899aabbccddeeff'), [
    'uuid',
    'uuid.00112233-4455-6677-8899-aabbccddeeff',
  ]);
  assert.deepEqual(kindAndText(`01 07 00 10 ${'ab'.repeat(16)}`), ['md5', 'ab'.repeat(16)]);
  assert.deepEqual(kindAndText('01 00 00 02 41 42'), ['vendorSpecific', '4142']);
  assert.deepEqual(kindAndText('02 00 00 03 41 42 20'), ['vendorSpecific', 'AB']);
  assert.deepEqual(kindAndText('61 99 00 04 00 00 00 01'), ['protocolSpecificPort', '00000001']);
  assert.deepEqual(kindAndText('01 0f 00 01 ff'), ['other', 'ff']);
  const binary = one('01 01 00 0a 41 20 20 20 20 20 20 20 01 02');
  assert.ok(binary?.kind === 't10VendorId');
  assert.equal(binary.vendorSpecificIdentifier, '0102');
  // Too short for their type.
  assert.equal(one('02 01 00 04 41 42 43 44')?.kind, 'other');
  assert.equal(one('01 03 00 00')?.kind, 'other');
  assert.equal(one('01 14 00 02 00 01')?.kind, 'other');
  assert.equal(one('01 0a 00 04 10 00 00 00')?.kind, 'other');
  // Without PIV the protocol identifier is not valid.
  assert.equal(one('51 14 00 04 00 00 00 01')?.protocolIdentifier, undefined);
});

test('readVpdDeviceIdentification() leaves a cut designator out, wherever the cut is', () => {
  const ends = [4, 20, 40, 52, 60, 68, 100, 108];
  for (let length = 4; length < PAGE.length; length++) {
    const { designators, truncated } = readVpdDeviceIdentification(PAGE.slice(0, length));
    assert.equal(truncated, true);
    assert.equal(designators.length, ends.filter((end) => end <= length).length - 1, `${length} bytes`);
  }
});

test('readVpdDeviceIdentification() takes a designator that overruns its page for cut', () => {
  const page = readVpdDeviceIdentification(hex('00 83 00 06  01 03 00 08 50 00  00 00 00 00 00 00'));
  assert.deepEqual([page.designators, page.truncated, page.fullLength], [[], true, 10]);
});

test('the makers refuse what their type cannot hold', () => {
  assert.throws(() => naaDesignator(hex('5001405abbccddee00112233')), RangeError);
  assert.throws(() => naaDesignator(hex('1001405abbccddee')), RangeError);
  assert.throws(() => naaDesignator(hex('')), RangeError);
  assert.throws(() => eui64Designator(hex('00')), RangeError);
  assert.throws(() => t10VendorDesignator('NINECHARS', ''), RangeError);
  assert.throws(() => t10VendorDesignator('V', 'x'.repeat(248)), RangeError);
  assert.throws(() => scsiNameDesignator('x'.repeat(252)), RangeError);
  assert.equal(scsiNameDesignator('x'.repeat(251)).designator.length, 252);
  assert.throws(() => relativeTargetPortDesignator(65_536), RangeError);
  const long = { codeSet: 1, designatorType: 0, designator: new Uint8Array(256) };
  assert.throws(() => writeVpdDeviceIdentification({ designators: [long] }), /256 bytes: at most 255 allowed/);
  const maximal = { ...long, designator: new Uint8Array(255) };
  assert.throws(
    () => writeVpdDeviceIdentification({ designators: new Array(254).fill(maximal) }),
    /0\.\.65535 allowed/,
  );
});

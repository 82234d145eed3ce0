/** `iscsi-readcapacity16`: the capacity of one logical unit. */
import { connect } from '../client/connect.ts';
import type { ShownCapacity } from './capacity.ts';
import { fetchCapacity, sizeOf } from './capacity.ts';
import {
  CONNECT_OPTIONS,
  connectOptions,
  EXIT_HELP,
  JSON_OPTION,
  readUrl,
  URL_HELP,
  withChapFile,
} from './connect-options.ts';
import { connecting, EXIT } from './exit.ts';
import { tool } from './tool.ts';

/** The tool `iscsi-readcapacity16`. */
export const readcapacity16 = tool({
  name: 'iscsi-readcapacity16',
  summary: 'Show the capacity of one logical unit',
  operands: { url: { value: 'URL', help: 'the logical unit' } },
  options: {
    ...CONNECT_OPTIONS,
    size: { kind: 'flag', short: 's', help: 'Print the size in bytes and nothing else' },
    json: JSON_OPTION,
    debug: { kind: 'flag', short: 'd', help: 'Say more about errors' },
  },
  epilog: `${URL_HELP}\n\n${EXIT_HELP}`,
  async run({ operands, options, print, host }) {
    const url = readUrl(operands.url, 'full', print, await withChapFile(options, host));
    const lun = await connecting(connect(url, { ...connectOptions(options, host), probe: false }));
    try {
      const capacity = await fetchCapacity(lun, host.signal);
      if (print.json) print.document(capacityDocument(capacity));
      else if (options.size) print.line(`${sizeOf(capacity)}`);
      else for (const line of capacityLines(capacity)) print.line(line);
      return EXIT.DONE;
    } finally {
      await lun.close();
    }
  },
});

/** The text output: line for line what libiscsi's tool prints. */
export function capacityLines(capacity: ShownCapacity): readonly string[] {
  return [
    `RETURNED LOGICAL BLOCK ADDRESS:${capacity.returnedLogicalBlockAddress}`,
    `LOGICAL BLOCK LENGTH IN BYTES:${capacity.logicalBlockLength}`,
    `P_TYPE:${capacity.pType} PROT_EN:${capacity.protEn}`,
    `P_I_EXPONENT:${capacity.pIExponent} LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT:${capacity.lbppbe}`,
    `LBPME:${capacity.lbpme} LBPRZ:${capacity.lbprz}`,
    `LOWEST ALIGNED LOGICAL BLOCK ADDRESS:${capacity.lowestAlignedLogicalBlockAddress}`,
    `Total size:${sizeOf(capacity)}`,
  ];
}

function capacityDocument(capacity: ShownCapacity): Readonly<Record<string, unknown>> {
  const { returnedLogicalBlockAddress, logicalBlockLength, lbppbe, lowestAlignedLogicalBlockAddress } = capacity;
  return {
    size: sizeOf(capacity),
    blocks: returnedLogicalBlockAddress + 1n,
    blockSize: logicalBlockLength,
    physicalBlockSize: logicalBlockLength * 2 ** lbppbe,
    lowestAlignedBlock: lowestAlignedLogicalBlockAddress,
    thinProvisioned: capacity.lbpme === 1,
    unmappedReadsZero: capacity.lbprz === 1,
    protectionType: capacity.protEn === 1 ? capacity.pType + 1 : 0,
    protectionIntervalExponent: capacity.pIExponent,
    command: capacity.command,
  };
}

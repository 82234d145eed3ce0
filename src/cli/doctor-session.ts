/** The steps of `iscsi-doctor` within a session: what was negotiated, which logical units there are, how fast. */
import type { IscsiLogicalUnit, OperationalParameters, Session } from '../client/session.ts';
import type { CommandOptions } from '../unit/options.ts';
import type { ReportedLun } from '../unit/report-luns.ts';
import type { Finding, StepOutcome } from './doctor-report.ts';
import { formatSize } from './size.ts';

/** Logical units that are compared with one another. */
const MOST_COMPARED = 64;
/** Round trips that only get everything going, and those that are counted. */
const WARMING = 4;
const ROUNDS = 32;
/** Milliseconds: a machine that has other things to do takes less. */
const PAUSE = 100;
const SMALL_SEGMENT = 65_536;
const SMALL_BURST = 65_536;
/** Of a network in one building; above it, more commands at a time are needed. */
const FAR = 5;

interface Usual {
  readonly when: (parameters: OperationalParameters) => boolean;
  readonly finding: (parameters: OperationalParameters) => Finding;
}

/** What is not as it usually is. */
const UNUSUAL: readonly Usual[] = [
  {
    when: ({ initialR2T }) => initialR2T,
    finding: () => ({
      text: 'InitialR2T=Yes: every write waits for the target to ask for its data',
      advice: 'a round trip more for each write above the immediate data; let the target allow InitialR2T=No',
    }),
  },
  {
    when: ({ immediateData }) => !immediateData,
    finding: () => ({
      text: 'ImmediateData=No: no write brings its data along',
      advice: 'small writes need a round trip more; let the target allow ImmediateData=Yes',
    }),
  },
  {
    when: ({ targetMaxRecvDataSegmentLength: length }) => length < SMALL_SEGMENT,
    finding: ({ targetMaxRecvDataSegmentLength: length }) => ({
      text: `the target takes data segments of ${formatSize(length)} at the most`,
      advice: 'long writes cost more processor time; raise MaxRecvDataSegmentLength at the target to 256 KiB',
    }),
  },
  {
    when: ({ maxBurstLength }) => maxBurstLength < SMALL_BURST,
    finding: ({ maxBurstLength }) => ({
      text: `MaxBurstLength is ${formatSize(maxBurstLength)}`,
      advice: 'long writes wait once more for each burst; raise it at the target to 256 KiB or more',
    }),
  },
  {
    when: ({ headerDigest, dataDigest }) => !headerDigest && !dataDigest,
    finding: () => ({
      text: 'digests are off: TCP alone notices damaged bytes',
      advice:
        'it does not always; where data is precious, end the URL with ?header_digest=crc32c&data_digest=crc32c, all of it in quotes',
    }),
  },
  {
    when: ({ defaultTime2Wait }) => defaultTime2Wait > 2,
    finding: ({ defaultTime2Wait }) => ({
      text: `DefaultTime2Wait is ${defaultTime2Wait} s`,
      advice: 'after a lost connection nothing goes for so long; 0 to 2 are usual',
    }),
  },
];

/** What the login has settled. */
export function negotiated({ parameters }: Session): StepOutcome {
  const { headerDigest, dataDigest, maxBurstLength, firstBurstLength } = parameters;
  const digests = [headerDigest && 'header', dataDigest && 'data'].filter((one) => one !== false);
  const text = [
    `digests: ${digests.length === 0 ? 'none' : digests.join(' and ')}`,
    `InitialR2T=${yes(parameters.initialR2T)}`,
    `ImmediateData=${yes(parameters.immediateData)}`,
    `segments of ${formatSize(parameters.targetMaxRecvDataSegmentLength)} out, ${formatSize(parameters.initiatorMaxRecvDataSegmentLength)} in`,
    `bursts of ${formatSize(maxBurstLength)}, ${formatSize(firstBurstLength)} unasked`,
  ].join(', ');
  const findings = UNUSUAL.filter(({ when }) => when(parameters)).map(({ finding }) => finding(parameters));
  return { text, facts: { parameters }, findings, value: undefined };
}

/** Which logical units there are, and whether two of them call themselves alike. */
export async function inventory(
  session: Session,
  options: CommandOptions,
): Promise<StepOutcome<readonly ReportedLun[]>> {
  const luns = await session.reportLuns(options);
  const names = luns.map(({ text }) => text);
  const text = names.length === 0 ? 'the target shows no logical unit to this initiator' : `LUN ${names.join(', ')}`;
  const findings: Finding[] = [];
  if (names.length === 0) {
    findings.push({ text: 'there is nothing to use', advice: 'map a logical unit to this initiator at the target' });
  }
  if (luns.length > 1) findings.push(...(await alike(session, luns.slice(0, MOST_COMPARED), options)));
  return { text, facts: { luns: names }, findings, value: luns };
}

/** Two with one name: whoever joins paths by name takes them for one disk, and mixes their data. */
async function alike(session: Session, luns: readonly ReportedLun[], options: CommandOptions): Promise<Finding[]> {
  const byName = new Map<string, string[]>();
  for (const lun of luns) {
    const name = await nameOf(session, lun, options);
    if (name !== undefined) byName.set(name, [...(byName.get(name) ?? []), lun.text]);
  }
  return [...byName]
    .filter(([, same]) => same.length > 1)
    .map(([name, same]) => ({
      text: `LUN ${same.join(' and ')} call themselves alike (${name})`,
      advice:
        'programs that join paths by name take them for one disk and mix their data; give each a serial number of its own',
    }));
}

async function nameOf(session: Session, lun: ReportedLun, options: CommandOptions): Promise<string | undefined> {
  try {
    const unit = await session.logicalUnit(lun, options);
    const { names = [], serialNumber } = unit.probed.identity ?? {};
    return names[0] ?? serialNumber;
  } catch {
    return undefined; // that it cannot be opened is told where it matters: of the one that the URL names
  }
}

/** A read at the beginning and one at the end: whether data comes. */
export async function readSome(lun: IscsiLogicalUnit, options: CommandOptions): Promise<StepOutcome> {
  const length = Math.min(lun.size, 64 * 1024);
  const started = performance.now();
  await lun.read(new Uint8Array(length), { ...options, position: 0 });
  const milliseconds = performance.now() - started;
  const last = Math.min(lun.size, lun.blockSize);
  await lun.read(new Uint8Array(last), { ...options, position: lun.size - last });
  return {
    text: `${formatSize(length)} at the beginning in ${milliseconds.toFixed(2)} ms, and the last block`,
    facts: { bytes: length, milliseconds: Math.round(milliseconds * 1000) / 1000 },
    value: undefined,
  };
}

/** The time of a round trip through the target, without its storage: pings. */
export async function roundTrips(session: Session, options: CommandOptions): Promise<StepOutcome> {
  const times: number[] = [];
  for (let round = 0; round < WARMING; round++) await session.nop(new Uint8Array(0), options);
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    await session.nop(new Uint8Array(0), options);
    times.push(performance.now() - started);
  }
  times.sort((one, other) => one - other);
  const [least = 0] = times;
  const median = times[times.length >> 1] ?? 0;
  const most = times.at(-1) ?? 0;
  const findings: Finding[] = [];
  if (median > FAR) {
    findings.push({
      text: `a round trip takes ${median.toFixed(1)} ms`,
      advice:
        'one command at a time gives no more than that allows; keep many under way, and choose a nearer portal if there is one',
    });
  } else if (most > Math.max(PAUSE, 20 * median)) {
    findings.push({
      text: `one of ${ROUNDS} round trips took ${most.toFixed(1)} ms`,
      advice: 'the network or the target pauses now and then: packets may be lost on the way',
    });
  }
  return {
    text: `${ROUNDS} pings: least ${least.toFixed(2)}, median ${median.toFixed(2)}, most ${most.toFixed(2)} ms`,
    facts: { least, median, most, rounds: ROUNDS },
    findings,
    value: undefined,
  };
}

function yes(value: boolean): string {
  return value ? 'Yes' : 'No';
}

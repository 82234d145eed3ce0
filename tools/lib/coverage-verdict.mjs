// What coverage comes to, against its floor.

/** How many files are named when a floor is missed. */
const NAMED = 5;

/**
 * The figures in one line, and, where a floor is missed, a line for each of the files that miss most.
 *
 * @param {readonly import('./coverage.mjs').FileCoverage[]} files
 * @param {{ readonly lines: number, readonly branches: number }} floor Percent.
 * @returns {{ readonly enough: boolean, readonly text: string }}
 */
export function verdict(files, floor) {
  const lines = figure(files, 'lines', 'missedLines', floor.lines);
  const branches = figure(files, 'branches', 'missedBranches', floor.branches);
  const enough = lines.enough && branches.enough;
  const line = `${lines.text}, ${branches.text}`;
  return { enough, text: enough ? line : [line, ...worst(files)].join('\n') };
}

function figure(files, all, missed, floor) {
  const total = files.reduce((sum, file) => sum + file[all], 0);
  const ran = total - files.reduce((sum, file) => sum + file[missed].length, 0);
  const percent = total === 0 ? 0 : (100 * ran) / total;
  // Cut, not rounded: 96.996 must not read as a 97 that fails.
  const text = `${(Math.floor(percent * 100) / 100).toFixed(2)} % of ${total} ${all} (floor ${floor})`;
  return { enough: percent >= floor, text };
}

function worst(files) {
  const missed = ({ missedLines, missedBranches }) => missedLines.length + missedBranches.length;
  return [...files]
    .sort((a, b) => missed(b) - missed(a))
    .slice(0, NAMED)
    .map(
      (one) =>
        `  ${one.file}: ${missed(one)} missed; lines ${list(one.missedLines)}; branches in lines ${list(one.missedBranches)}`,
    );
}

function list(numbers) {
  return [...new Set(numbers)].sort((a, b) => a - b).join(' ') || '-';
}

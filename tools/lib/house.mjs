// The house plan: the table of rooms in docs/architecture.md, read from that page, so that the plan stands in one
// place.

/**
 * A room: a folder of src/, or a file that stands there alone, without its ending.
 *
 * @typedef {object} Room
 * @property {readonly string[]} mayImport Rooms, besides the floor and itself.
 * @property {boolean} floor Every room may import it; it imports nothing.
 * @property {boolean} io Whether it may import packages and modules of Node's.
 * @property {boolean} yetToCome Whether its folder need not exist.
 */

const HEADER = /^\| room \|/;
const FLOOR = 'the floor';
const YET_TO_COME = 'yet to come';

/**
 * The rooms, by name. A row is `| room, room (mark) | rooms or "nothing" | yes or no |`; a mark belongs to every room
 * of its row.
 *
 * @param {string} markdown The page.
 * @returns {ReadonlyMap<string, Room>}
 */
export function readHouse(markdown) {
  const lines = markdown.split('\n');
  const header = lines.findIndex((line) => HEADER.test(line));
  if (header < 0) throw new Error('Cannot find the table of rooms: no line begins with "| room |"');
  const below = lines.slice(header + 2); // a line of dashes stands between
  const end = below.findIndex((line) => !line.startsWith('|'));
  const house = new Map();
  for (const row of below.slice(0, end < 0 ? below.length : end)) addRow(house, row);
  return house;
}

function addRow(house, row) {
  const [names = '', arrows = '', io = ''] = row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
  const [, rooms = '', mark] = /^([^(]*)(?:\((.*)\))?$/.exec(names) ?? [];
  const known = mark === undefined || mark === FLOOR || mark === YET_TO_COME;
  if (!known || !['yes', 'no'].includes(io)) throw new Error(`Cannot read this row of the table of rooms: ${row}`);
  for (const name of listOf(rooms)) {
    if (house.has(name)) throw new Error(`The table of rooms has two rows for "${name}"`);
    const mayImport = arrows === 'nothing' ? [] : listOf(arrows);
    house.set(name, { mayImport, floor: mark === FLOOR, io: io === 'yes', yetToCome: mark === YET_TO_COME });
  }
}

function listOf(cell) {
  return cell
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

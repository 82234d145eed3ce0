// The arrows between the rooms of src/: every import counts, of values and of types, in whatever form.
import { posix } from 'node:path';
import { circlesIn } from './circles.mjs';
import { eachTree, SyntaxKind } from './syntax.mjs';

/**
 * What is wrong with the imports of `sources`, a line each; empty when the house stands as planned.
 *
 * @param {object} house
 * @param {ReadonlyMap<string, import('./house.mjs').Room>} house.rooms The plan.
 * @param {Readonly<Record<string, string>>} house.sources Text by name, such as `src/pdu/bhs.ts`.
 * @returns {readonly string[]}
 */
export function importProblems({ rooms, sources }) {
  const imports = importsOf(sources);
  const arrows = imports.flatMap((one) => arrowProblem(one, rooms) ?? []);
  return [...planProblems(rooms, sources), ...arrows, ...circleProblems(imports)];
}

/** The room of a file of src/. */
function roomOf(name) {
  return name.split('/')[1]?.replace(/\.ts$/, '') ?? '';
}

function importsOf(sources) {
  const perFile = eachTree(sources, (tree, from) =>
    tree.imports.map((node) => ({ from, specifier: node.text, typeOnly: isTypeOnly(node.parent) })),
  );
  return Object.values(perFile)
    .flat()
    .map((one) => ({ ...one, to: target(one) }));
}

/** The file that is imported; undefined for packages and for Node's modules. */
function target({ from, specifier }) {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined;
}

/**
 * Whether nothing is left of an import at run time. `parent` is the statement, the call of import(), or the type
 * `import('…')`.
 */
function isTypeOnly(parent) {
  if (parent.kind === SyntaxKind.ImportDeclaration)
    return parent.importClause?.phaseModifier === SyntaxKind.TypeKeyword;
  if (parent.kind === SyntaxKind.ExportDeclaration) return parent.isTypeOnly;
  return parent.kind === SyntaxKind.LiteralType;
}

function planProblems(rooms, sources) {
  const there = new Set(Object.keys(sources).map(roomOf));
  const missing = [...there].filter((room) => !rooms.has(room));
  const empty = [...rooms].filter(([room, { yetToCome }]) => !yetToCome && !there.has(room));
  const come = [...rooms].filter(([room, { yetToCome }]) => yetToCome && there.has(room));
  const named = [...rooms].flatMap(([room, { mayImport }]) => mayImport.map((other) => [room, other]));
  return [
    ...missing.map((room) => `room "${room}" of src/ is not in the table of docs/architecture.md`),
    ...empty.map(([room]) => `room "${room}" of the table in docs/architecture.md is not in src/`),
    ...come.map(([room]) => `room "${room}" is there, but docs/architecture.md still calls it yet to come`),
    ...named
      .filter(([, other]) => !rooms.has(other))
      .map(([room, other]) => `docs/architecture.md lets "${room}" import "${other}", which is no room of its table`),
  ];
}

/** A message when the plan forbids an import. An unknown room is told once, by {@link planProblems}. */
function arrowProblem({ from, specifier, to }, rooms) {
  const room = roomOf(from);
  const plan = rooms.get(room);
  if (plan === undefined) return undefined;
  const chain = `${from} -> ${to ?? specifier}`;
  if (to === undefined)
    return plan.io ? undefined : `${chain}: "${room}" does no I/O and imports no package and no module of Node's`;
  if (!to.startsWith('src/')) return `${chain}: leaves src/`;
  const toRoom = roomOf(to);
  if (toRoom === room || plan.mayImport.includes(toRoom)) return undefined;
  if (plan.floor) return `${chain}: "${room}" is the floor, which imports nothing`;
  return rooms.get(toRoom)?.floor ? undefined : `${chain}: "${room}" may not import "${toRoom}"`;
}

function circleProblems(imports) {
  return circlesIn(graphOf(imports)).map((circle) => `circle of imports: ${circle.join(' -> ')}`);
}

function graphOf(imports) {
  const edges = new Map();
  for (const { from, to } of imports) {
    if (to !== undefined) edges.set(from, [...(edges.get(from) ?? []), to]);
  }
  return edges;
}

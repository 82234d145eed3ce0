// Holds the arrows between the rooms of src/ and fails on import cycles.
// The table is the house plan of docs/architecture.md; change both together.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const FLOOR = ['bytes', 'spec', 'errors'];
const MAY_IMPORT = {
  bytes: [],
  spec: [],
  errors: [],
  scsi: [],
  pdu: [],
  login: ['pdu'],
  device: ['scsi'],
  initiator: ['pdu', 'login', 'scsi'],
  target: ['pdu', 'login', 'device'],
  unit: ['scsi'],
  node: ['initiator', 'target', 'device', 'unit'],
  wire: ['node', 'login', 'scsi', 'pdu'],
  client: ['node', 'initiator', 'unit', 'login', 'scsi', 'pdu'],
  server: ['node', 'target', 'device', 'login', 'scsi'],
  cli: ['client', 'server', 'unit', 'scsi'],
  index: ['client', 'unit', 'scsi', 'node'],
};
/** Rooms that may import node: modules and packages. All others are sans I/O. */
const MAY_DO_IO = new Set(['node', 'wire', 'client', 'server', 'cli', 'index']);

const src = resolve(dirname(fileURLToPath(import.meta.url)), '../src');
const files = readdirSync(src, { recursive: true }).filter((name) => name.endsWith('.ts'));
const problems = [];
const graph = new Map();

for (const name of files) {
  const file = join(src, name);
  const room = roomOf(file);
  const allowed = MAY_IMPORT[room];
  if (!allowed) problems.push(`${name}: room "${room}" is not in the table of tools/check-imports.mjs`);
  const text = readFileSync(file, 'utf8');
  const edges = [];
  for (const [, typeOnly, specifier] of text.matchAll(/^(?:import|export)\s+(type\s)?[^'"]*?from\s+'([^']+)'/gm)) {
    if (!specifier.startsWith('.')) {
      if (!MAY_DO_IO.has(room)) problems.push(`${name}: "${room}" does no I/O and may not import ${specifier}`);
      continue;
    }
    const to = resolve(dirname(file), specifier);
    const toRoom = roomOf(to);
    if (toRoom !== room && !FLOOR.includes(toRoom) && !allowed?.includes(toRoom)) {
      problems.push(`${name}: "${room}" may not import "${toRoom}" (${specifier})`);
    }
    if (FLOOR.includes(room) && toRoom !== room) {
      problems.push(`${name}: the floor ("${room}") imports nothing (${specifier})`);
    }
    if (!typeOnly) edges.push(to);
  }
  graph.set(file, edges);
}
for (const cycle of cycles(graph)) problems.push(`cycle: ${cycle.map((file) => relative(src, file)).join(' -> ')}`);

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`check-imports: ${files.length} files, arrows and cycles in order`);

function roomOf(file) {
  const [first] = relative(src, file).split(/[\\/]/);
  return first.replace(/\.ts$/, '');
}

function cycles(edgesOf) {
  const done = new Set();
  const path = [];
  const found = [];
  const visit = (file) => {
    if (path.includes(file)) {
      found.push([...path.slice(path.indexOf(file)), file]);
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const next of edgesOf.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of edgesOf.keys()) visit(file);
  return found;
}

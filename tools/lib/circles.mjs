// Circles in a graph, each told once and by its shortest way round.

/**
 * One circle for each group of nodes that all reach each other: the shortest in it, its first node repeated at the end.
 *
 * @param {ReadonlyMap<string, readonly string[]>} edges Where each node leads. Nodes that are no key lead nowhere.
 * @returns {readonly (readonly string[])[]}
 */
export function circlesIn(edges) {
  const reach = new Map([...edges.keys()].map((node) => [node, reachableFrom(node, edges)]));
  const told = new Set();
  const circles = [];
  for (const node of edges.keys()) {
    if (told.has(node) || !reach.get(node).has(node)) continue;
    const group = [...reach.get(node)].filter((other) => reach.get(other)?.has(node)).sort();
    for (const member of group) told.add(member);
    circles.push(group.map((member) => shortestFrom(member, edges)).reduce((a, b) => (b.length < a.length ? b : a)));
  }
  return circles;
}

function reachableFrom(start, edges) {
  const seen = new Set();
  const next = [...(edges.get(start) ?? [])];
  for (let node = next.pop(); node !== undefined; node = next.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    next.push(...(edges.get(node) ?? []));
  }
  return seen;
}

/** The shortest way from a node that lies on a circle back to itself, breadth first. */
function shortestFrom(start, edges) {
  const cameFrom = new Map();
  const queue = [start];
  for (const node of queue) {
    for (const to of edges.get(node) ?? []) {
      if (to === start) return [...wayTo(node, start, cameFrom), start];
      if (cameFrom.has(to)) continue;
      cameFrom.set(to, node);
      queue.push(to);
    }
  }
  throw new Error(`${start} lies on no circle`);
}

function wayTo(node, start, cameFrom) {
  const way = [];
  for (let at = node; at !== start; at = cameFrom.get(at)) way.unshift(at);
  return [start, ...way];
}

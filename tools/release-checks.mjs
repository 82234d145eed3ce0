// What has to be so before a release. Each check returns its problems: what is wrong, and what to do about it, one line
// each.

/** Version, changelog and lock file say the same, and nothing is left that the changelog calls unreleased. */
export function versionProblems({ version, changelog, lock }) {
  const problems = [];
  const headings = [...changelog.matchAll(/^## \[([^\]]+)\](.*)$/gm)];
  const newest = headings.find(([, name]) => name !== 'Unreleased');
  if (newest === undefined) {
    problems.push(`CHANGELOG.md has no released version: put "## [${version}] - YYYY-MM-DD" above what is released`);
  } else if (newest[1] !== version) {
    problems.push(
      `CHANGELOG.md's newest version is ${newest[1]}, package.json's ${version}: make them one (npm version)`,
    );
  } else if (!/^ - \d{4}-\d\d-\d\d$/.test(newest[2])) {
    problems.push(`CHANGELOG.md gives ${version} no date: write "## [${version}] - YYYY-MM-DD"`);
  }
  if (/^- /m.test(unreleased(changelog))) {
    problems.push('CHANGELOG.md has entries under "Unreleased": move them to the version that is released');
  }
  if (lock.version !== version || lock.packages[''].version !== version) {
    problems.push(`package-lock.json is of version ${lock.version}, package.json of ${version}: run "npm install"`);
  }
  return problems;
}

/**
 * Nothing but what is committed gets released. @param status Output of `git status --porcelain`. @param tags Output of
 * `git tag`.
 */
export function treeProblems({ version, status, tags }) {
  const problems = [];
  const changed = status.split('\n').filter((line) => line !== '');
  if (changed.length > 0) {
    problems.push(
      `The working tree has ${changed.length} change(s), such as "${changed[0].trim()}": commit or remove them`,
    );
  }
  if (tags.split('\n').includes(`v${version}`)) {
    problems.push(`The tag v${version} exists: raise the version (npm version)`);
  }
  return problems;
}

/** The lock file pins what package.json asks for, and is good for every registry. */
export function lockProblems({ manifest, lock }) {
  const problems = [];
  for (const kind of ['dependencies', 'devDependencies', 'peerDependencies', 'bin', 'engines']) {
    if (sorted(manifest[kind]) !== sorted(lock.packages[''][kind])) {
      problems.push(`package-lock.json has other ${kind} than package.json: run "npm install"`);
    }
  }
  for (const [path, { resolved, integrity, link }] of Object.entries(lock.packages)) {
    if (resolved !== undefined) problems.push(`package-lock.json says where ${path} comes from: remove "resolved"`);
    if (path !== '' && !link && integrity === undefined)
      problems.push(`package-lock.json does not pin ${path}: remove and install it`);
  }
  return problems;
}

/** The tarball holds what it has to. @param packed Paths in it. @param expected Paths that belong there. */
export function tarballProblems({ packed, expected }) {
  const missing = expected.filter((path) => !packed.includes(path));
  const astray = packed.filter((path) => !expected.includes(path));
  return [
    ...missing.map((path) => `The tarball lacks ${path}: see "files" in package.json and tools/choose-packed.mjs`),
    ...astray.map((path) => `The tarball has ${path}, which does not belong there: see "files" in package.json`),
  ];
}

/** What stands under "Unreleased". */
function unreleased(changelog) {
  const [, text = ''] = /^## \[Unreleased\]\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(changelog) ?? [];
  return text;
}

function sorted(object = {}) {
  return JSON.stringify(Object.entries(object).sort());
}

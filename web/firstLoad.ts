/** Which modules a page needs before anything else, so that they can share two files. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What the bundler tells of a module. */
interface Graph {
  getModuleInfo(id: string): { importedIds: readonly string[] } | null;
}

/**
 * Packages whose index does nothing but export its parts: who imports `Button` of one needs the
 * button, and not all that the index imports.
 */
const BARREL =
  /node_modules\/(@mantine\/(core|hooks)\/esm\/index\.mjs|@tabler\/icons-react\/dist\/esm\/tabler-icons-react\.mjs)$/;
const IMPORT = /(?:import|export)\s*(type\s)?\s*\{([^}]*)\}\s*from\s*["']([^"']+)["']/g;

const parts = new Map<string, ReadonlyMap<string, string>>();

/** The module ids that `entry` needs at once; to what is only imported lazily no path leads. */
export function firstLoadOf(entry: string, graph: Graph): ReadonlySet<string> {
  const needed = new Set<string>();
  const waiting = [entry];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (needed.has(id)) continue;
    needed.add(id);
    for (const imported of graph.getModuleInfo(id)?.importedIds ?? []) {
      if (BARREL.test(imported)) waiting.push(...takenFrom(imported, id));
      else waiting.push(imported);
    }
  }
  return needed;
}

/** The modules behind the names that module `id` imports from a barrel. */
function takenFrom(barrel: string, id: string): string[] {
  const known = partsOf(barrel);
  const wanted = importsOf(id)
    .filter(({ from }) => barrel.includes(`node_modules/${from}/`))
    .flatMap(({ names }) => names.map(({ name }) => name));
  return wanted.map((name) => {
    const part = known.get(name);
    if (part === undefined) throw new Error(`${barrel} does not say where ${name} comes from`);
    return part;
  });
}

/** The module that each name of a barrel comes from. */
function partsOf(barrel: string): ReadonlyMap<string, string> {
  let known = parts.get(barrel);
  if (known === undefined) {
    const entries = importsOf(barrel).flatMap(({ names, from }) =>
      names.map(({ as }): [string, string] => [as, join(dirname(barrel), from)]),
    );
    known = new Map(entries);
    parts.set(barrel, known);
  }
  return known;
}

interface Import {
  names: { name: string; as: string }[];
  from: string;
}

/** The named imports and re-exports of a source file, without those of types. */
function importsOf(id: string): Import[] {
  const [path = id] = id.split('?');
  const source = readFileSync(path, 'utf-8');
  return [...source.matchAll(IMPORT)]
    .filter(([, type]) => type === undefined)
    .map(([, , list = '', from = '']) => ({ names: namesOf(list), from }));
}

function namesOf(list: string): Import['names'] {
  return list
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '' && !each.startsWith('type '))
    .map((each) => {
      const [name = '', as = name] = each.split(/\s+as\s+/);
      return { name, as };
    });
}

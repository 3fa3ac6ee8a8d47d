// Packs: the chunks that many starts run through, in a few files, whose compiled code lies beside them. Reading forty files through Node's
// loader costs twice as much as evaluating a small program. bin/build.ts writes what is made here.
//
// The start file (`floe.cjs`) defines the chunks that it needs itself, and knows which others are in which pack; all others are files of
// their own. A file outside that needs a packed chunk finds a stub, which asks the start file.

/** One file of dist/: its name without "./", and its text, a CommonJS module. */
export type Texts = ReadonlyMap<string, string>;

/** Names that a text asks for by `require("./x.cjs")`, the dynamic imports among them left out. */
function staticNeeds(text: string): string[] {
  return [...text.matchAll(/(?<!then\(\(\)=>(?:__toESM\()?)require\("\.\/([\w-]+\.cjs)"\)/g)].map((match) => match[1]!);
}

/** The file and all that it cannot be loaded without. */
function closureOf(texts: Texts, names: readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const below of staticNeeds(texts.get(name)!)) visit(below);
  };
  for (const name of names) visit(name);
  return [...found];
}

/** Chunks as members of an object: name -> function. */
function define(chunks: readonly (readonly [name: string, text: string])[]): string {
  return chunks
    .map(([name, text]) => `${JSON.stringify(name)}:function(exports,require,module,__filename,__dirname){${text}\n}`)
    .join(',\n');
}

/** Names of Node's own modules that are loaded when they are first used. The others are there when a start file runs. */
const LATE_MODULES =
  'child_process|crypto|dns|fs\\/promises|http|https|module|net|os|readline|sqlite|stream|timers\\/promises|tls|url|util|v8|worker_threads|zlib';

/**
 * Node's modules loaded when they are first used. PERF: crypto, streams and child processes cost 20 ms that most starts need not
 * pay. What stands for a module's default and names alike inherits them; esbuild's own would copy each.
 */
export function loadNodeLate(text: string): string {
  const names: string[] = [];
  const declared = text.replace(
    new RegExp(`var (import_\\w+)=((?:__toESM\\()?require\\("node:(?:${LATE_MODULES})"\\)(?:,1)?\\)?);`, 'g'),
    (_, name: string, load: string) => {
      names.push(name);
      return `var ${name}_loaded,${name}=()=>${name}_loaded??=${load};`;
    },
  );
  const light = declared.replace(/__toESM\((require\("node:[\w/]+"\))(?:,1)?\)/g, '((m)=>Object.create(m,{default:{value:m}}))($1)');
  return names.reduce((result, name) => result.replace(new RegExp(`\\b${name}\\.`, 'g'), `(${name}()).`), light);
}

/**
 * The loader in the start file. `__own` are its chunks, `__packOf` tells which pack has another. PERF: a pack is a script as it stands, whose
 * value are its chunks (and a module where its compiled code is not taken): what is put around a text of a megabyte copies it.
 */
const LOADER = String.raw`
const __loaded=Object.create(null),__packs=Object.create(null);
let __outside=false;
function __openPack(name){
  const {readFileSync}=require("node:fs"),{Script}=require("node:vm"),path=__dirname+"/"+name+".cjs";
  let cachedData;
  try{cachedData=readFileSync(__dirname+"/"+name+".cache")}catch{}
  if(cachedData!==undefined){
    const script=new Script(readFileSync(path,"latin1"),{filename:path,cachedData});
    if(script.cachedDataRejected!==true)return script.runInThisContext();
  }
  return require(path);
}
function __load(name){
  const known=__loaded[name];
  if(known!==undefined)return known.exports;
  let define=__own[name];
  if(define===undefined){
    const pack=__packOf[name];
    if(pack===undefined){if(!__outside&&name[0]==="."){__outside=true;__loaded.start?.exports.leavePacks()}return require(name)}
    define=(__packs[pack]??=__openPack(pack))[name];
  }
  const module=__loaded[name]={exports:{}};
  define(module.exports,__load,module,__filename,__dirname);
  return module.exports;
}
module.exports={load:__load};
if(require.main===module)__load("start");
`;

/** Chunks that are loaded together: a pack's name, and what must be in it with all that it needs. */
export interface PackRoots {
  readonly name: string;
  readonly roots: readonly string[];
}

/** The files of dist/ with some chunks packed; `start` is the start file's name. A chunk is in the first pack that needs it. */
export function pack(texts: Texts, start: string, packs: readonly PackRoots[]): Map<string, string> {
  const files = new Map(texts);
  const own = closureOf(texts, [start]);
  const packed = new Set(own);
  const packOf: Record<string, string> = {};
  for (const { name, roots } of packs) {
    const chunks = closureOf(texts, roots).filter((chunk) => !packed.has(chunk));
    files.set(
      `${name}.cjs`,
      `(typeof module==="undefined"?{}:module).exports={${define(chunks.map((chunk) => [`./${chunk}`, texts.get(chunk)!]))}};`,
    );
    for (const chunk of chunks) {
      packed.add(chunk);
      packOf[`./${chunk}`] = name;
    }
  }
  for (const name of packed) files.set(name, `module.exports=require("./${start}").load("./${name}");`);
  const members = own.map((name) => [name === start ? 'start' : `./${name}`, texts.get(name)!] as const);
  files.set(start, `const __own={${define(members)}};\nconst __packOf=${JSON.stringify(packOf)};${LOADER}`);
  return files;
}

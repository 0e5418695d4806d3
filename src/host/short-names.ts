// SPDX-License-Identifier: GPL-2.0-only
// Gives the local variables of a Lua program short names, without moving anything from its line.
//
// Names are what is left to save in a bundle without comments and indentation. Only variables are renamed, each by its
// scope: what is found by name (fields, methods, globals) stays, and so do the lines and, in general, the names of
// functions, which stack traces show.

import luaparse from "luaparse";

interface Ranged {
  range: [number, number];
}
type Identifier = luaparse.Identifier & Ranged;
/** Any node of luaparse's tree; its children are in fields named by its type. */
type Node = Record<string, unknown> & { type: string };

/** The words of Lua that are as short as the names given. */
const RESERVED = new Set(["do", "if", "in", "or", "and", "end", "for", "nil", "not"]);
const FIRST_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
const LETTERS = `${FIRST_LETTERS}0123456789`;

/** The `index`-th shortest name. */
function shortName(index: number): string {
  const first = FIRST_LETTERS[index % FIRST_LETTERS.length] ?? "";
  let rest = Math.floor(index / FIRST_LETTERS.length);
  let name = first;
  while (rest > 0) {
    rest -= 1;
    name += LETTERS[rest % LETTERS.length] ?? "";
    rest = Math.floor(rest / LETTERS.length);
  }
  return name;
}

/** The locals that can be seen at a place. */
class Scope {
  private readonly names = new Map<string, string>();
  private next: number;

  constructor(
    private readonly outer: Scope | undefined,
    private readonly taken: ReadonlySet<string>,
  ) {
    this.next = outer?.next ?? 0;
  }

  declare(name: string): string {
    let short = shortName(this.next);
    while (RESERVED.has(short) || this.taken.has(short)) {
      this.next += 1;
      short = shortName(this.next);
    }
    this.next += 1;
    this.names.set(name, short);
    return short;
  }

  /** Declares a local that keeps its name; it may hide an outer one that does not. */
  keep(name: string): void {
    this.names.set(name, name);
  }

  find(name: string): string | undefined {
    return this.names.get(name) ?? this.outer?.find(name);
  }
}

class Renamer {
  readonly renamed: { at: number; end: number; name: string }[] = [];

  /** @param globals and functions that keep their names */
  constructor(
    private readonly globals: ReadonlySet<string>,
    private readonly functions: "kept" | "short",
  ) {}

  block(body: readonly Node[], outer: Scope | undefined): void {
    const scope = new Scope(outer, this.globals);
    for (const statement of body) this.statement(statement, scope);
  }

  private statement(node: Node, scope: Scope): void {
    switch (node.type) {
      case "LocalStatement":
        this.all(node.init, scope);
        for (const variable of node.variables as Node[]) this.declare(variable, scope);
        return;
      case "FunctionDeclaration":
        this.functionDeclaration(node, scope);
        return;
      case "ForNumericStatement":
        this.all([node.start, node.end, node.step], scope);
        this.body(node, [node.variable as Node], scope);
        return;
      case "ForGenericStatement":
        this.all(node.iterators, scope);
        this.body(node, node.variables as Node[], scope);
        return;
      case "RepeatStatement":
        this.repeat(node, scope);
        return;
      default:
        this.children(node, scope);
    }
  }

  private functionDeclaration(node: Node, scope: Scope): void {
    const identifier = node.identifier as Node | null;
    if (identifier !== null && node.isLocal === true) this.localFunction(identifier, scope);
    else if (identifier !== null) this.expression(identifier, scope);
    this.body(node, node.parameters as Node[], scope);
  }

  private localFunction(identifier: Node, scope: Scope): void {
    if (this.functions === "kept") scope.keep((identifier as unknown as Identifier).name);
    else this.declare(identifier, scope);
  }

  private body(node: Node, variables: readonly Node[], scope: Scope): void {
    const inner = new Scope(scope, this.globals);
    for (const variable of variables) if (variable.type === "Identifier") this.declare(variable, inner);
    this.block(node.body as Node[], inner);
  }

  /** Its condition sees the locals of its body. */
  private repeat(node: Node, scope: Scope): void {
    const inner = new Scope(scope, this.globals);
    for (const statement of node.body as Node[]) this.statement(statement, inner);
    this.expression(node.condition as Node, inner);
  }

  private expression(node: Node, scope: Scope): void {
    if (node.type === "Identifier") this.use(node as unknown as Identifier, scope);
    else if (node.type === "FunctionDeclaration") this.functionDeclaration(node, scope);
    else if (node.type === "MemberExpression") this.expression(node.base as Node, scope);
    else if (node.type === "TableKeyString") this.expression(node.value as Node, scope);
    else this.children(node, scope);
  }

  /** Whatever stands in the fields of a node that has no names of its own: statements, expressions, blocks. */
  private children(node: Node, scope: Scope): void {
    if (node.type === "LabelStatement" || node.type === "GotoStatement") return;
    for (const [field, value] of Object.entries(node)) {
      if (field === "body" && Array.isArray(value)) this.block(value as Node[], scope);
      else if (field !== "range") this.all(value, scope);
    }
  }

  private all(value: unknown, scope: Scope): void {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (typeof each === "object" && each !== null && "type" in each) this.expression(each as Node, scope);
    }
  }

  private declare(variable: Node, scope: Scope): void {
    const identifier = variable as unknown as Identifier;
    scope.declare(identifier.name);
    this.use(identifier, scope);
  }

  private use({ name, range: [at, end] }: Identifier, scope: Scope): void {
    const short = scope.find(name);
    if (short !== undefined) this.renamed.push({ at, end, name: short });
  }
}

/**
 * The program with short names; line by line the same otherwise.
 *
 * @param functions "short" where no stack trace is ever shown
 */
export function withShortNames(lua: string, functions: "kept" | "short" = "kept"): string {
  const options = { luaVersion: "LuaJIT", ranges: true, comments: false, scope: true } as const;
  const tree = luaparse.parse(lua, options as object) as unknown as { body: Node[]; globals: { name: string }[] };
  // No short name may hide a global, or a function that keeps its name.
  const kept = functions === "kept" ? [...lua.matchAll(/\blocal function (\w+)/g)].map(([, name = ""]) => name) : [];
  const renamer = new Renamer(new Set([...tree.globals.map(({ name }) => name), ...kept]), functions);
  renamer.block(tree.body, undefined);
  const renamed = renamer.renamed.sort((one, other) => one.at - other.at);
  let text = "";
  let at = 0;
  for (const { at: start, end, name } of renamed) {
    text += lua.slice(at, start) + name;
    at = end;
  }
  return text + lua.slice(at);
}

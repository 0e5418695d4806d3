// SPDX-License-Identifier: GPL-2.0-only
// A stand-in for the `uci` object of rpcd: sections of one package, read from its file, changed, and written back.

import fs from "node:fs";

type Value = string | string[];
type Section = Record<string, Value | boolean | number>;

const LINE = /^\s*(config|option|list)\s+'?([^\s']+)'?(?:\s+'([^']*)')?\s*$/;

export class UciStore {
  private sections = new Map<string, Section>();

  constructor(
    private readonly file: string,
    readonly name: string,
  ) {
    let section: Section = {};
    for (const line of fs.readFileSync(file, "utf8").split("\n")) {
      const [, kind, name = "", value = ""] = LINE.exec(line) ?? [];
      if (kind === "config") section = this.add(name, value);
      else if (kind === "option") section[name] = value;
      else if (kind === "list") section[name] = [...((section[name] as string[] | undefined) ?? []), value];
    }
  }

  /** A method of the object; the reply, or undefined for a method that there is not. */
  call(method: string, given: Record<string, unknown>): object | undefined {
    const id = String(given.section);
    switch (method) {
      case "get":
        return { values: Object.fromEntries(this.sections) };
      case "set":
        Object.assign(this.sections.get(id) ?? {}, given.values);
        return {};
      case "add":
        this.add(given.type as string, (given.name as string | undefined) ?? "", given.values as Section | undefined);
        return { section: String(given.name) };
      case "delete":
        this.remove(id, given.options as string[] | undefined);
        return {};
      case "changes":
        return { changes: {} };
      case "order":
        return {};
      case "apply":
      case "confirm":
        fs.writeFileSync(this.file, this.text());
        return {};
      default:
        return undefined;
    }
  }

  /** As the file has it. */
  text(): string {
    const blocks = [...this.sections].map(([id, section]) => {
      const options = Object.entries(section).filter(([name]) => !name.startsWith("."));
      const lines = options.flatMap(([name, value]) =>
        Array.isArray(value) ? value.map((one) => `\tlist ${name} '${one}'`) : [`\toption ${name} '${String(value)}'`],
      );
      return [`config ${String(section[".type"])} '${id}'`, ...lines].join("\n");
    });
    return `${blocks.join("\n\n")}\n`;
  }

  private add(type: string, name: string, values: Section = {}): Section {
    const id = name === "" ? `cfg${String(this.sections.size)}` : name;
    const place = { ".anonymous": name === "", ".type": type, ".name": id, ".index": this.sections.size };
    const section: Section = { ...place, ...values };
    this.sections.set(id, section);
    return section;
  }

  private remove(id: string, options: readonly string[] | undefined): void {
    const section = this.sections.get(id);
    if (options === undefined) this.sections.delete(id);
    else if (section !== undefined) for (const name of options) Reflect.deleteProperty(section, name);
  }
}

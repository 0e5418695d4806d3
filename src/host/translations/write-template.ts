// SPDX-License-Identifier: GPL-2.0-only
// `npm run translations`: writes the template of LuCI's catalogues.

import fs from "node:fs";
import path from "node:path";
import { TEMPLATE, templateText } from "./template.js";

fs.mkdirSync(path.dirname(TEMPLATE), { recursive: true });
fs.writeFileSync(TEMPLATE, templateText());
console.log(`${TEMPLATE} is written.`);

// Copies the few files that the pages use from node_modules to ../vendor, with their licences,
// and writes the SHA-256 of each to ../vendor/CHECKSUMS.sha256 (`sha256sum -c` reads it).
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "vendor");
const font = "@fontsource-variable/atkinson-hyperlegible-next";
const copies = {
  "pico/pico.min.css": "@picocss/pico/css/pico.min.css",
  "pico/LICENSE.md": "@picocss/pico/LICENSE.md",
  "htmx/htmx.min.js": "htmx.org/dist/htmx.min.js",
  "htmx/LICENSE": "htmx.org/LICENSE",
  "atkinson/latin.woff2": `${font}/files/atkinson-hyperlegible-next-latin-wght-normal.woff2`,
  "atkinson/latin-ext.woff2": `${font}/files/atkinson-hyperlegible-next-latin-ext-wght-normal.woff2`,
  "atkinson/LICENSE": `${font}/LICENSE`,
  "swagger-ui/swagger-ui-bundle.js": "swagger-ui-dist/swagger-ui-bundle.js",
  "swagger-ui/swagger-ui-bundle.js.LICENSE.txt": "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt",
  "swagger-ui/swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
  "swagger-ui/LICENSE": "swagger-ui-dist/LICENSE",
  "swagger-ui/NOTICE": "swagger-ui-dist/NOTICE",
  "uplot/uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
  "uplot/uPlot.min.css": "uplot/dist/uPlot.min.css",
  "uplot/LICENSE": "uplot/LICENSE",
};

rmSync(target, { recursive: true, force: true });
const lines = Object.entries(copies).map(([name, source]) => {
  const to = join(target, name);
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(join(here, "node_modules", source), to);
  return `${createHash("sha256").update(readFileSync(to)).digest("hex")}  ${name}\n`;
});
writeFileSync(join(target, "CHECKSUMS.sha256"), lines.join(""));

/** Builds the page into `dist`, or into the folder that is named. */
import { build } from "esbuild"

await build({
  entryPoints: ["page/main.tsx", "page/style.css", "page/index.html"],
  bundle: true,
  minify: true,
  jsx: "automatic",
  loader: { ".html": "copy" },
  outdir: process.argv[2] ?? "dist"
})

// Prints instructions on a Node that cannot run TypeScript sources, before a failure with a stack trace.
const [major, minor] = process.versions.node.split(".").map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `Node ${process.versions.node} is too old: Parley needs Node >= 22.19. "npx pnpm install" brings a Node 26 binary from the npm registry; if that step failed, install Node 22.19+ yourself.`
  )
  process.exit(1)
}

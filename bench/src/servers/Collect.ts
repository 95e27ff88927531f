/** Preloaded into a server whose memory is to be read: collects the garbage on SIGUSR2. Needs `--expose-gc`. */
process.on("SIGUSR2", () => globalThis.gc?.())

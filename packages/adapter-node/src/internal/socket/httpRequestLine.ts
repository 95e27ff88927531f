/**
 * Recognizes an HTTP request on a transport of lines. A page in a browser may send any port a request whose body is lines of
 * its own, as it may Redis, which refuses them for the same reason. Source: RFC 9112, 3: method, target and version, with one
 * space between.
 */
const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ \S+ HTTP\/\d/

/** Characters of a line that are looked at: browsers bound the target of a request themselves. */
const LOOKED_AT = 64 * 1024

/** Bytes of a method that are looked at before the rest of the line is decoded: no registered one is longer. */
const METHOD = 32

const SPACE = 0x20

/** Whether a line, without its end, is the request line of HTTP. */
export const isHttpRequestLine = (line: Buffer): boolean => {
  const space = line.subarray(0, METHOD).indexOf(SPACE)
  return space > 0 && REQUEST_LINE.test(line.toString("latin1", 0, LOOKED_AT))
}

/**
 * Recognizes an HTTP request on a line protocol. A web page can send requests with arbitrary lines in the body to any port;
 * Redis refuses them for the same reason. Source: RFC 9112, 3: method, target and version, separated by one space.
 */
const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ \S+ HTTP\/\d/

/** Maximum characters checked: browsers bound the target. */
const MAX_CHECKED = 64 * 1024

/** Maximum bytes of a method; no registered one is longer. */
const MAX_METHOD = 32

const SPACE = 0x20

/** Whether a line without its end is an HTTP request line. */
export const isHttpRequestLine = (line: Buffer): boolean => {
  const space = line.subarray(0, MAX_METHOD).indexOf(SPACE)
  return space > 0 && REQUEST_LINE.test(line.toString("latin1", 0, MAX_CHECKED))
}

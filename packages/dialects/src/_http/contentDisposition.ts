/** `Content-Disposition` of downloads. Source: RFC 6266; RFC 8187. */

/** Returns a `Content-Disposition`, always `attachment`, so that browsers never display uploads. */
export const contentDisposition = (title: string): string => {
  const ascii = title.replaceAll(/[^\x20-\x7e]/g, "_").replaceAll(/["\\]/g, "_")
  const encoded = encodeURIComponent(title).replaceAll(
    /['()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`
  )
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`
}

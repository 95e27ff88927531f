/** A certificate that no authority has signed: X.509 version 1 in DER, since Node makes none. */
import { generateKeyPairSync, sign } from "node:crypto"

const item = (tag: number, ...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const body = Buffer.concat(parts)
  const { length } = body
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}

const sequence = (...parts: ReadonlyArray<Uint8Array>): Buffer => item(0x30, ...parts)
const text = (tag: number, value: string): Buffer => item(tag, Buffer.from(value))
const oid = (hex: string): Buffer => item(0x06, Buffer.from(hex, "hex"))

const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"))
/** CN=localhost */
const name = sequence(item(0x31, sequence(oid("550403"), text(0x0c, "localhost"))))
const validity = sequence(text(0x17, "200101000000Z"), text(0x17, "491231235959Z"))

/** A key and a certificate for `localhost`, both as PEM. */
export const selfSigned = (): { readonly key: string; readonly cert: string } => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" })
  const publicInfo = publicKey.export({ type: "spki", format: "der" })
  const toBeSigned = sequence(item(0x02, Buffer.from([1])), ecdsaWithSha256, name, validity, name, publicInfo)
  const signature = item(0x03, Buffer.from([0]), sign("sha256", toBeSigned, privateKey))
  const der = sequence(toBeSigned, ecdsaWithSha256, signature).toString("base64")
  const cert = `-----BEGIN CERTIFICATE-----\n${der.replaceAll(/(.{64})/g, "$1\n").trim()}\n-----END CERTIFICATE-----\n`
  return { key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), cert }
}

/** The five documents, which maintainers keep in `shared/seeds` beside the repository. They are not part of it. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

export const folder: string = fileURLToPath(new URL("../../../../shared/seeds/", import.meta.url))

/** The documents by the number prefix of their file names. */
const numbers: Readonly<Record<string, string>> = {
  spark: "000",
  hisihi: "001",
  xuanxuan: "002",
  ha: "003",
  youdu: "004"
}

/** Whether the documents are present. */
export const atHand = (): boolean => existsSync(folder)

/** The text of a protocol's document; `undefined` if it is not present. */
export const documentOf = (protocol: string): string | undefined => {
  const number = numbers[protocol]
  if (number === undefined || !atHand()) return undefined
  const file = readdirSync(folder).find((one) => one.startsWith(`${number}_`))
  return file === undefined ? undefined : readFileSync(`${folder}${file}`, "utf8")
}

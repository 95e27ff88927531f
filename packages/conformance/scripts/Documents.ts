/** Where a maintainer has the five documents: in `shared/seeds` beside the repository's folder. They are not in it. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

export const folder: string = fileURLToPath(new URL("../../../../shared/seeds/", import.meta.url))

/** The documents by the number that their file names begin with. */
const numbers: Readonly<Record<string, string>> = {
  spark: "000",
  hisihi: "001",
  xuanxuan: "002",
  ha: "003",
  youdu: "004"
}

/** Whether the documents are at hand. */
export const atHand = (): boolean => existsSync(folder)

/** The text of a protocol's document, or nothing where it is not at hand. */
export const documentOf = (protocol: string): string | undefined => {
  const number = numbers[protocol]
  if (number === undefined || !atHand()) return undefined
  const file = readdirSync(folder).find((one) => one.startsWith(`${number}_`))
  return file === undefined ? undefined : readFileSync(`${folder}${file}`, "utf8")
}

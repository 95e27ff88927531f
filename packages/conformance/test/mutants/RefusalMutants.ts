/** Mutants of refusals, for the protocols whose documents show none. */
import { field, isObject, parse } from "../../src/Json.ts"
import { type Answer, changed, everywhere } from "./Mutant.ts"
import { of } from "./Rewrites.ts"
import type { Check } from "./takenIds.ts"
import type { WireMutant } from "./WireMutant.ts"

const isRefusal = ({ path, status, text }: Answer): boolean => {
  if (/^\/(session\/|message\/(push|remove)$)/.test(path)) return status >= 400
  const body = path.startsWith("/cgi/") ? parse(text) : undefined
  const code = isObject(body) ? field(body, "errcode") : undefined
  return typeof code === "number" && code !== 0
}

/** The kind of refusal that a check expects: the settled shape, or any that the document permits. */
const asksForRefusal = ({ id, step }: Check): "settled" | "open" | undefined => {
  if (!/^(spark|youdu)\//.test(id) || step === undefined || !("http" in step)) return undefined
  const wanted = JSON.stringify(step.answer.json ?? null)
  if (!wanted.includes('{"$shape":"failure"')) return undefined
  return wanted.includes('"$lenient"') ? "open" : "settled"
}

export const refusalMutants: ReadonlyArray<WireMutant> = [
  {
    name: "refusals-without-content",
    description: "a refusal has no reason",
    make: () => ({ answer: (answer) => (isRefusal(answer) ? { ...answer, text: '{"success":false}' } : answer) }),
    kills: (check) => check.id.startsWith("spark/") && asksForRefusal(check) !== undefined
  },
  {
    name: "refusals-of-another-shape",
    description: 'a refusal is `{"error": "no"}`, which no document speaks against',
    make: () => ({ answer: (answer) => (isRefusal(answer) ? { ...answer, text: '{"error":"no"}' } : answer) }),
    kills: (check) => asksForRefusal(check) === "settled"
  },
  {
    name: "refusals-name-no-field",
    description: "every refusal has the same text",
    make: () => ({
      answer: (answer) =>
        isRefusal(answer)
          ? changed(answer, (body) =>
              everywhere(body, (key, item) => (key === "message" || key === "errmsg" ? "It went wrong." : item))
            )
          : answer
    }),
    kills: [
      ...of("spark", "failure/settled#start-no-to failure/settled#start-empty-to"),
      ...["add", "remove-member", "approve"].flatMap((name) =>
        of("spark", `failure/settled#${name}-no-session failure/settled#${name}-no-to`)
      ),
      ...of("spark", "failure/settled#edit-no-session failure/settled#edit-no-data"),
      ...of("spark", "failure/settled#push-no-session failure/settled#push-no-type failure/settled#push-no-content"),
      ...of("spark", "failure/settled#push-unknown-type"),
      ...of("spark", "failure/settled#remove-no-session failure/settled#remove-no-message"),
      ...of("youdu", "failure/settled#create-no-title failure/settled#create-no-creator"),
      ...of("youdu", "failure/settled#create-no-member failure/settled#create-title-of-65"),
      ...of("youdu", "failure/settled#create-creator-of-65 failure/settled#create-other-type"),
      ...of("youdu", "failure/settled#create-two-members failure/settled#get-no-id"),
      ...of("youdu", "failure/settled#update-no-session failure/settled#update-no-operator")
    ]
  }
]

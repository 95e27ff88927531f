/**
 * Rules for new passwords: a minimum length, no common password, not the account. Existing passwords are not checked.
 * Source: NIST SP 800-63B, 5.1.1.2; OWASP ASVS 4.0.3, 2.1.1 and 2.1.7.
 */
import { COMMON_PASSWORDS } from "./CommonPasswords.ts"

/** Keyboard rows, and sequences typed along them. */
const SEQUENCES: ReadonlyArray<string> = [
  "01234567890123456789",
  "abcdefghijklmnopqrstuvwxyz",
  "qwertyuiopasdfghjklzxcvbnm",
  "qazwsxedcrfvtgbyhnujmikolp",
  "1q2w3e4r5t6y7u8i9o0p",
  "q1w2e3r4t5y6u7i8o9p0",
  "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
  "zaq12wsxcde34rfv"
].flatMap((sequence) => [sequence, Array.from(sequence).reverse().join("")])

/** One to four characters repeated: `11111111`, `abcabcabc`. */
const REPEATED = /^(.{1,4}?)\1+.?$/su

const isCommon = (password: string): boolean =>
  COMMON_PASSWORDS.has(password) || REPEATED.test(password) || SEQUENCES.some((sequence) => sequence.includes(password))

/**
 * Returns why `password` cannot be a new password, as a clause after "password", or undefined. `minimum` is
 * `passwords.minimum`, in code points; 0 allows every password that is not empty.
 */
export const newPasswordProblem = (password: string, account: string, minimum: number): string | undefined => {
  if (password === "") return "must not be empty"
  if (minimum === 0) return undefined
  if (Array.from(password).length < minimum) return `must have at least ${minimum} characters (passwords.minimum)`
  const plain = password.toLowerCase()
  if (plain === account.toLowerCase()) return "must not be the account (passwords.minimum)"
  return isCommon(plain) ? "must not be one of the most common passwords (passwords.minimum)" : undefined
}

/** Users to try it with: three companies, whose members do not see each other. The password of all is `chat`. */
import { addUser } from "./users.ts"

export const addDemoUsers = async (): Promise<void> => {
  for (const [company, login, name] of [
    [1, "ada", "Ada Ahlgren"],
    [1, "ben", "Ben Okafor"],
    [1, "cleo", "Cleo Marchetti"],
    [2, "gus", "Gus Lindqvist"],
    [2, "gil", "Gil Tanaka"],
    [3, "ivo", "Ivo Petrov"]
  ] as const) {
    await addUser(company, login, name, "chat")
  }
}

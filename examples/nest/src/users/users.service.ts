import { Injectable, type OnModuleInit, UnauthorizedException } from "@nestjs/common"
import { check, directory, signUp } from "./people.ts"
import { sign, verify } from "./token.ts"

@Injectable()
export class UsersService implements OnModuleInit {
  /** Users of this application, which the Parley instance reads. */
  readonly directory = directory

  onModuleInit(): void {
    signUp("ann", "Ann", "tea")
    signUp("ben", "Ben", "coffee")
  }

  async login(login: string, password: string): Promise<string> {
    const user = check(login, password)
    if (user === undefined) throw new UnauthorizedException()
    return sign(user)
  }

  /** Returns the user's id; undefined without a valid token. */
  verify(token: string | undefined): Promise<string | undefined> {
    return verify(token)
  }

  async signedIn(token: string | undefined): Promise<string> {
    const user = await verify(token)
    if (user === undefined) throw new UnauthorizedException()
    return user
  }
}

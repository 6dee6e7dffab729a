import type { UserInfo } from '../../api/exchange.ts'

/** What is found of a token; undefined: it is of another making. */
export type TokenVerdict =
  /** `audiences`: of those asked about, the ones it is meant for; never empty. */
  | { readonly type: 'verified'; readonly user: UserInfo; readonly audiences: readonly string[] }
  /** Known, and not good; why is for reviewers alone. */
  | { readonly type: 'refused'; readonly why: string }
  | undefined

/** Whose token this is, for any of the audiences. Answers without a promise when it can, since every request may ask. */
export type VerifyToken = (token: string, audiences: readonly string[]) => TokenVerdict | Promise<TokenVerdict>

/** Asks one after another; a refusal stands only when nobody else knows the token. */
export function firstToKnow(verifiers: readonly VerifyToken[]): VerifyToken {
  return (token, audiences) => askFrom(0, token, audiences, undefined)

  function askFrom(first: number, token: string, audiences: readonly string[], before: TokenVerdict): TokenVerdict | Promise<TokenVerdict> {
    let refused = before
    for (let index = first; index < verifiers.length; index++) {
      const verdict = verifiers[index]?.(token, audiences)
      if (verdict instanceof Promise)
        return verdict.then((settled) =>
          settled?.type === 'verified' ? settled : askFrom(index + 1, token, audiences, refused ?? settled),
        )
      if (verdict?.type === 'verified') return verdict
      refused ??= verdict
    }
    return refused
  }
}

/** For tokens that say nothing of audiences: they are meant for this API. */
export function forAudiences(user: UserInfo, own: readonly string[], asked: readonly string[]): TokenVerdict {
  const audiences = asked.filter((audience) => own.includes(audience))
  return audiences.length > 0 ? { type: 'verified', user, audiences } : undefined
}

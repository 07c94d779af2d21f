/** What ipvsadm answers to a command line that it does not take: one text on standard error, one exit status. */
export class UsageError extends Error {
  override readonly name = 'UsageError'

  /**
   * @param status 2, or 255 where popt or the choice of the command failed
   * @param fatal ends a restore in which the line stands
   */
  constructor(
    message: string,
    readonly status: 2 | 255 = 2,
    readonly fatal = true,
  ) {
    super(message)
  }
}

// A stylesheet that a part imports: its text, for `adopt`.
declare module "*.css" {
  const text: string;
  export default text;
}

// A stylesheet that a part imports, as text for `adopt`.
declare module "*.css" {
  const text: string;
  export default text;
}

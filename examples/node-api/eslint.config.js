import js from "@eslint/js";
import typescript from "typescript-eslint";

export default typescript.config(
  { ignores: ["dist"] },
  js.configs.recommended,
  ...typescript.configs.recommended,
);

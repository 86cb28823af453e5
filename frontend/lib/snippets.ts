/** The lines that point an application at an endpoint, by language. */
export function snippets(origin: string, key: string, endpoint: string): Record<"curl" | "Python" | "JavaScript", string> {
  return {
    curl: `curl ${origin}/v1/chat/completions \\
  -H "Authorization: Bearer ${key}" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "${endpoint}", "messages": [{"role": "user", "content": "Hello"}]}'`,
    Python: `from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key="${key}")
answer = client.chat.completions.create(model="${endpoint}", messages=[{"role": "user", "content": "Hello"}])
print(answer.choices[0].message.content)`,
    JavaScript: `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${origin}/v1", apiKey: "${key}" });
const answer = await client.chat.completions.create({ model: "${endpoint}", messages: [{ role: "user", content: "Hello" }] });
console.log(answer.choices[0].message.content);`,
  };
}

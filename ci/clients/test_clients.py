"""Unmodified clients, as an application uses them: only base_url and key differ."""

import openai
import pytest
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

from conftest import CALL, RECORDING, SYSTEM, TOOLS

QUESTION = RECORDING[0]["messages"][:2]


@pytest.fixture
def client(platform):
    return openai.OpenAI(base_url=platform.url + "/v1", api_key=platform.key, max_retries=0)


def test_a_completion_and_who_gave_it(client):
    raw = client.chat.completions.with_raw_response.create(model="brief", messages=QUESTION)
    assert raw.parse().choices[0].message.content == "Two and two are four."
    assert raw.parse().usage.total_tokens > 0
    assert raw.headers["x-understudy-source"] == "llm"
    assert raw.headers["x-understudy-pair"]


def test_a_stream_without_usage_has_no_usage_chunk(client):
    chunks = list(client.chat.completions.create(model="brief", messages=QUESTION, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "Two and two are four."
    assert all(c.choices for c in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_stream_with_usage_ends_with_it(client):
    chunks = list(client.chat.completions.create(model="brief", messages=QUESTION, stream=True, stream_options={"include_usage": True}))
    assert not chunks[-1].choices
    assert chunks[-1].usage.completion_tokens > 0


def test_tools_pass_through(client):
    messages = RECORDING[1]["messages"][:2]
    done = client.chat.completions.create(model="brief", messages=messages, tools=TOOLS)
    call = done.choices[0].message.tool_calls[0]
    assert (call.id, call.function.name, call.function.arguments) == (CALL["id"], "track", CALL["function"]["arguments"])
    assert done.choices[0].finish_reason == "tool_calls"
    parts = [c.choices[0].delta.tool_calls for c in client.chat.completions.create(model="brief", messages=messages, tools=TOOLS, stream=True)]
    assert "".join(call.function.arguments or "" for part in parts if part for call in part) == CALL["function"]["arguments"]


def test_the_models_are_the_endpoints(client):
    assert [m.id for m in client.models.list()] == ["brief"]
    assert client.models.retrieve("brief").owned_by == "understudy"


def test_errors_have_their_types(client, platform):
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=platform.url + "/v1", api_key="wrong", max_retries=0).models.list()
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="brief", messages="not a list")
    # The upstream's own error comes through with its status and its words.
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="brief", messages=[SYSTEM, {"role": "user", "content": "unrecorded"}])
    assert unknown.value.code == "not_in_recording"


def test_a_key_can_name_the_endpoint(platform):
    key = platform.cli("keys", "create", "legacy", "--endpoint", "brief")["secret"]
    legacy = openai.OpenAI(base_url=platform.url + "/v1", api_key=key, max_retries=0)
    done = legacy.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)
    assert done.choices[0].message.content == "Two and two are four."


def test_a_langchain_chain(platform):
    llm = ChatOpenAI(model="brief", base_url=platform.url + "/v1", api_key=platform.key, max_retries=0)
    prompt = ChatPromptTemplate.from_messages([("system", SYSTEM["content"]), ("user", "{question}")])
    chain = prompt | llm | StrOutputParser()
    assert chain.invoke({"question": "What is two and two?"}) == "Two and two are four."
    assert "".join(chain.stream({"question": "What is two and two?"})) == "Two and two are four."


def test_the_pairs_were_captured(platform):
    page = platform.cli("pairs", "brief", "--limit", "100")
    texts = {p["answer"]["text"] for p in page["items"]}
    assert "Two and two are four." in texts
    assert any(p["answer"].get("toolCalls") for p in page["items"])

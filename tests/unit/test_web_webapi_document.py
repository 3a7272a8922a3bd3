"""The OpenAPI document of the web API, and its command."""

from click.testing import CliRunner
from openapi_spec_validator import OpenAPIV31SpecValidator

from moxlite.cli.webapi import webapi
from moxlite.web.webapi.methods import METHODS
from moxlite.web.webapi.pages import document
from tests.webapi import CODES, REQUESTS, RESULTS


def test_the_document_is_valid() -> None:
    """WEB-154: OpenAPI 3.1, with each method; with the fields and codes of webapi v0."""
    found = document("https://mail.example.org/webapi/v0/")
    OpenAPIV31SpecValidator(found).validate()
    assert set(found["paths"]) == {f"/{name}" for name in REQUESTS}
    schemas = found["components"]["schemas"]
    for name, fields in REQUESTS.items():
        schema = schemas[METHODS[name].request.__name__]
        assert set(schema["properties"]) == set(fields), name
        assert schema["additionalProperties"] is False
        assert all("anyOf" in field for field in schema["properties"].values()), name
    for name, result in RESULTS.items():
        schema = schemas[METHODS[name].result.__name__]
        assert set(schema["properties"]) == set(result), name
        assert set(schema.get("required", ())) == set(result), name
    assert set(schemas["Error"]["properties"]["Code"]["enum"]) == CODES


def test_the_command_lists_and_describes() -> None:
    """ADMIN-18: all methods; the fields, an example and the result of one; a wrong name is wrong usage."""
    listed = CliRunner().invoke(webapi, [])
    assert all(name in listed.output for name in METHODS)
    described = CliRunner().invoke(webapi, ["Send"])
    assert "AttachedFiles.Data" in described.output
    assert "Submissions.QueueMsgID" in described.output
    wrong = CliRunner().invoke(webapi, ["Nothing"])
    assert (wrong.exit_code, "MessageGet" in wrong.output) == (2, True)
    bad = CliRunner().invoke(webapi, ["Send", "ftp://x"])
    assert bad.exit_code == 2

"""REST bodies as arrays and back, by TensorFlow Serving's rules; the expected texts are from its own tests."""

import json
import math

import numpy as np
import pytest

from kerazoo.serving.errors import Code, RequestError
from kerazoo.serving.json_answer import encode_predict
from kerazoo.serving.json_request import decode_predict
from kerazoo.serving.json_values import fast_array, slow_array, to_array
from kerazoo.serving.signatures import Signature, Spec


def signatures(**types):
    inputs = {name: Spec(dtype, None) for name, dtype in types.items()}
    return {"serving_default": Signature("serving_default", inputs, {})}


def decode(document, **types):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return decode_predict(body, signatures(**types), 1000)


class TestArrays:
    @pytest.mark.parametrize("read", [fast_array, slow_array])
    @pytest.mark.parametrize(
        ("value", "dtype", "expected"),
        [
            (1.5, "float", np.float32(1.5)),
            ([[1, 2.5], [math.inf, -3]], "float", np.array([[1, 2.5], [math.inf, -3]], np.float32)),
            ([1e300], "double", np.array([1e300])),
            ([[[1]], [[2]]], "int32", np.array([[[1]], [[2]]], np.int32)),
            ([2**64 - 1], "uint64", np.array([2**64 - 1], np.uint64)),
            ([0, 255], "uint8", np.array([0, 255], np.uint8)),
            ([True, False], "bool", np.array([True, False])),
            ([[], []], "float", np.empty((2, 0), np.float32)),
            ([], "string", np.empty((0,), object)),
            (["é", {"b64": "/w"}], "string", np.array(["é".encode(), b"\xff"], object)),
            ({"b64": "aGVsbG8="}, "string", np.array(b"hello", object)),
        ],
    )
    def test_both_paths_read_the_same(self, read, value, dtype, expected):
        array = read(value, dtype)
        assert array.dtype == expected.dtype
        assert array.shape == expected.shape
        assert np.array_equal(array, expected)

    def test_nan(self):
        assert np.isnan(to_array([math.nan], "float")[0])

    def test_floats_beyond_the_integers_that_all_fit(self):
        assert to_array([2e9, 1.0], "float").tolist() == [2e9, 1.0]  # written with a point or an exponent

    @pytest.mark.parametrize(
        ("value", "dtype", "message"),
        [
            ([1, "a"], "int32", 'JSON Value: "a" Type: String is not of expected type: int32'),
            ([1.0], "int32", "JSON Value: 1.0 Type: Number is not of expected type: int32"),
            ([2**31], "int32", "not of expected type: int32"),
            ([-1], "uint8", "not of expected type: uint8"),
            ([True], "float", "JSON Value: true Type: True is not of expected type: float"),
            ([1], "bool", "not of expected type: bool"),
            ([None], "float", "JSON Value: null Type: Null is not of expected type: float"),
            ([{"a": 1}], "float", "Type: Object is not of expected type: float"),
            ([1], "string", "not of expected type: string"),
            ([16777217], "float", "Cannot convert JSON value: 16777217 to float without loss of precision."),
            ([9007199254740993], "double", "to double without loss of precision."),
            ([1.7e308], "float", "to float without loss of precision."),
            ([10**400], "float", "to float without loss of precision."),
            ([{"b64": "a"}], "string", "Unable to base64 decode"),
            ([{"b64": 5}], "string", "not formatted correctly for base64 data"),
            (["\ud800"], "string", "is not valid text"),
            ([[1, 2], [3]], "int32", "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
            ([1, [2]], "int32", "Encountered list at unexpected level: 1 expected < 1"),
            ([[1], 2], "int32", "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        ],
    )
    def test_refused(self, value, dtype, message):
        with pytest.raises(RequestError) as error:
            to_array(value, dtype)
        assert error.value.code is Code.INVALID_ARGUMENT
        assert message in str(error.value)

    def test_types_that_json_does_not_carry(self):
        with pytest.raises(RequestError, match=r"Conversion of JSON Value: \[1.0\] to type: half") as error:
            to_array([1.0], "half")
        assert error.value.code is Code.UNIMPLEMENTED

    def test_depth_is_limited(self):
        value = 1
        for _ in range(40):
            value = [value]
        with pytest.raises(RequestError, match="nested 40 deep"):
            to_array(value, "int32")


class TestRequests:
    def test_rows_of_one_input(self):
        name, form, arrays = decode({"instances": [[1, 2], [3, 4]]}, x="int32")
        assert (name, form) == ("serving_default", "instances")
        assert arrays["x"].tolist() == [[1, 2], [3, 4]]

    def test_rows_of_several_inputs(self):
        body = b'{"instances": [{"a": [1.0, NaN], "b": "foo"}, {"a": [-Infinity, 2], "b": "bar"}]}'
        arrays = decode(body, a="float", b="string")[2]
        assert np.array_equal(arrays["a"], np.array([[1, np.nan], [-np.inf, 2]], np.float32), equal_nan=True)
        assert arrays["b"].tolist() == [b"foo", b"bar"]

    def test_columns(self):
        assert decode({"inputs": [[1], [2]]}, x="int32")[2]["x"].shape == (2, 1)
        arrays = decode({"inputs": {"a": 5, "b": {"b64": "aGVsbG8="}, "more": 1}}, a="int64", b="string")[2]
        assert arrays["a"].shape == ()
        assert arrays["b"].item() == b"hello"
        assert arrays.keys() == {"a", "b"}

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"", "JSON Parse error: The document is empty"),
            (b" \n", "JSON Parse error: The document is empty"),
            (b"instances = [1, 2]", "JSON Parse error: Invalid value. at offset: 0"),
            (b'{"instances": [1, 2}', "JSON Parse error"),
            (b"\xff\xfe{}", "JSON Parse error"),
            (b"[" * 100_000, "JSON Parse error: the values are nested too deep"),
            (b"[1]", "JSON Value: [1] Is not object"),
            (b'{"signature_name": 5, "instances": [1]}', "'signature_name' key must be a string value."),
            (b'{"signature_name": "no", "inputs": 1}', 'Serving signature name: "no" not found in signature def'),
            (b'{"instances": [1], "inputs": [1]}', "Not formatted correctly expecting only one of"),
            (b"{}", "Missing 'inputs' or 'instances' key"),
            (b'{"instances": 5}', "Excepting 'instances' to be an list/array"),
            (b'{"instances": []}', "No values in 'instances' array"),
            (b'{"instances": [1]}', "instances is a plain list, but expecting list of objects"),
            (b'{"inputs": [1]}', "inputs is a plain value/list, but expecting an object"),
            (b'{"inputs": {"a": 1}}', "Missing named input: b in 'inputs' object."),
            (b'{"instances": [{"a": 1}]}', "keys must be equal to: a,b"),
            (b'{"instances": [{"a": 1, "b": 2, "c": 3}]}', "key: c of 'instances' list. Error: INVALID_ARGUMENT"),
            (b'{"instances": [{"a": 1, "b": 2}, [1]]}', "Expecting object but got list at item 1 of input list"),
            (
                b'{"instances": [{"a": [1], "b": 2}, {"a": [1, 2], "b": 2}]}',
                "Failed to process element: 1 key: a of 'instances' list. Error: INVALID_ARGUMENT: "
                "Expecting tensor size: 1 but got: 2",
            ),
            (b'{"instances": [{"a": [1], "b": 2}, {"a": [[1]], "b": 2}]}', "Expecting shape [1] but got: [1,1]"),
        ],
    )
    def test_refused(self, body, message):
        with pytest.raises(RequestError) as error:
            decode(body, a="int32", b="int32")
        assert error.value.code is Code.INVALID_ARGUMENT
        assert message in str(error.value)

    def test_a_list_and_then_an_object(self):
        with pytest.raises(RequestError, match="Expecting value/list but got object at item 1 of input list"):
            decode({"instances": [["baz"], {"x": ["bar"]}]}, x="string")

    def test_a_long_value_is_cut_short_in_the_message(self):
        with pytest.raises(RequestError) as error:
            decode({"instances": list(range(100_000)), "inputs": 1}, x="int32")
        assert len(str(error.value)) < 400

    def test_the_body_is_read_before_the_model_is_missed(self):
        missing = RequestError(Code.NOT_FOUND, "Servable not found for request: Latest(x)")
        with pytest.raises(RequestError, match="JSON Parse error"):
            decode_predict(b"", missing, 1000)
        with pytest.raises(RequestError, match="Servable not found"):
            decode_predict(b'{"instances": [1]}', missing, 1000)


class TestAnswers:
    @pytest.mark.parametrize(
        ("array", "text"),
        [
            (np.array([9e6, 999999, 0.5, 0.0003, 0.00003, 555557.5], np.float32),
             "[9e+06, 999999.0, 0.5, 0.0003, 3e-05, 555557.5]"),
            (np.array([0.2, 1 / 3, -0.0, 1], np.float32), "[0.2, 0.333333343, -0.0, 1.0]"),
            (np.array([0.1, 1 / 3]), "[0.1, 0.33333333333333331]"),
            (np.array([np.nan, np.inf, -np.inf], np.float32), "[NaN, Infinity, -Infinity]"),
            (np.array([1.5, 0.1], np.float16), "[1.5, 0.0999755859]"),
            (np.array([[1, 2], [3, 4]], np.int64), "[[1, 2], [3, 4]]"),
            (np.array([2**64 - 1], np.uint64), "[18446744073709551615]"),
            (np.array([True, False]), "[true, false]"),
            (np.array(["é\n".encode(), b"\xff"], object), '["é\\n", {"b64": "/w=="}]'),
            (np.empty((0, 3), np.float32), "[]"),
            (np.empty((2, 0), np.float32), "[[], []]"),
        ],
    )  # fmt: skip
    def test_values(self, array, text):
        assert encode_predict("inputs", {"y": array}).decode() == f'{{\n    "outputs": {text}\n}}'

    def test_every_float_is_read_back(self):
        values = np.random.default_rng(0).integers(0, 2**32, 40_000, dtype=np.uint32).view(np.float32)
        values = values[np.isfinite(values)]
        read = np.array(json.loads(encode_predict("inputs", {"y": values}))["outputs"]).astype(np.float32)
        assert np.array_equal(read, values)

    def test_bytes_by_the_name_of_the_output(self):
        array = np.array([[b"hello"], [b"tf"]], object)
        answer = json.loads(encode_predict("instances", {"str_bytes": array}))
        assert answer == {"predictions": [[{"b64": "aGVsbG8="}], [{"b64": "dGY="}]]}

    def test_rows_and_columns_of_several_outputs(self):
        outputs = {"b": np.array([1, 2]), "a": np.array([[0.5], [1.5]])}
        rows = [{"a": [0.5], "b": 1}, {"a": [1.5], "b": 2}]
        assert json.loads(encode_predict("instances", outputs)) == {"predictions": rows}
        columns = {"a": [[0.5], [1.5]], "b": [1, 2]}
        assert json.loads(encode_predict("inputs", outputs)) == {"outputs": columns}

    @pytest.mark.parametrize(
        ("outputs", "message"),
        [
            ({}, "Cannot convert empty tensor map to JSON"),
            ({"y": np.float32(1)}, "Tensor name: y has no shape information"),
            ({"a": np.zeros(2), "b": np.zeros(3)}, "Tensor name: b has inconsistent batch size: 3 expecting: 2"),
            ({"y": np.zeros(1, np.complex64)}, "Failed to write JSON value for tensor type: complex64"),
        ],
    )
    def test_refused(self, outputs, message):
        with pytest.raises(RequestError, match=message):
            encode_predict("instances", outputs)

"""The commands that take models out of Python: `export` and `serve`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kerazoo.cli.options import Model, Overwrite
from kerazoo.utils.console import import_tensorflow


def export(
    model: Model,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder of versions (models/NAME), or .tflite file. Default: by the preset's name."),
    ] = None,
    format_: Annotated[str, typer.Option("--format", help="saved_model or litert.")] = "saved_model",
    quantization: Annotated[
        str | None, typer.Option("--quantization", help="LiteRT: float16, dynamic or int8. Default: float32.")
    ] = None,
    calibration: Annotated[
        str | None, typer.Option("--calibration", help="LiteRT int8: a source of real data. Default: the preset's.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", help="LiteRT: rows of a call where they are fixed. Default: 1.")
    ] = None,
    overwrite: Overwrite = False,
):
    """Export for TensorFlow Serving (the next version in a folder) or for devices (a LiteRT file)."""
    import_tensorflow()
    from kerazoo.exporting.command import run_export

    options = {"quantization": quantization, "calibration": calibration, "batch_size": batch_size}
    options |= {"overwrite": overwrite}
    run_export(model, out, format_, say=print, **options)


def serve(
    folder: Annotated[Path, typer.Argument(help="Folder of exported models: FOLDER/NAME/VERSION/saved_model.pb.")],
    rest_port: Annotated[int, typer.Option("--rest-port", help="REST and the web page; 0 takes a free one.")] = 8501,
    grpc_port: Annotated[int, typer.Option("--grpc-port", help="gRPC; 0 takes a free one.")] = 8500,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    batching: Annotated[bool, typer.Option(help="Join requests that wait into one batch.")] = True,
    max_batch_size: Annotated[int, typer.Option("--max-batch-size", help="Rows of a batch at most.")] = 64,
    batch_timeout_micros: Annotated[
        int, typer.Option("--batch-timeout-micros", help="How long a batch waits for more requests.")
    ] = 1000,
    num_batch_threads: Annotated[
        int | None,
        typer.Option("--num-batch-threads", help="Runs of a model at once. Default: the CPUs, 2 or more."),
    ] = None,
    poll_seconds: Annotated[float, typer.Option("--poll-seconds", help="How often new versions are looked for.")] = 2.0,
    max_rows: Annotated[int, typer.Option("--max-rows", help="Rows of one request at most.")] = 4096,
    max_length: Annotated[
        int, typer.Option("--max-length", help="Characters of a text, or tokens of a row, at most.")
    ] = 8192,
    max_request_mb: Annotated[
        int, typer.Option("--max-request-mb", help="Megabytes of a request's arrays, and of its answer's, at most.")
    ] = 16,
    max_seconds: Annotated[float, typer.Option("--max-seconds", help="How long a request may take.")] = 60.0,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option("--allowed-host", help="A further name that clients call REST by (header Host); '*' allows all."),
    ] = None,
):
    """Serve exported models as TensorFlow Serving does: REST, gRPC, metrics, and a web page to try them.

    A SavedModel is a program, which runs when it is loaded: serve only models that you trust.
    """
    import_tensorflow()
    from kerazoo.serving import serve as run_server

    options: dict[str, Any] = {
        "batching": batching,
        "max_batch_size": max_batch_size,
        "batch_timeout_micros": batch_timeout_micros,
    }
    options |= {"num_batch_threads": num_batch_threads, "max_rows": max_rows, "max_length": max_length}
    options |= {"max_request_mb": max_request_mb, "max_seconds": max_seconds, "allowed_hosts": allowed_host or ()}
    options |= {"host": host, "rest_port": rest_port, "grpc_port": grpc_port, "poll_seconds": poll_seconds}
    run_server(folder, say=print, **options)

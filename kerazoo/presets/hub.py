"""Presets on the Hugging Face Hub: `hf://owner/name` or `hf://owner/name@revision`."""

import re

from kerazoo.utils.errors import MissingDependencyError, PresetError

HUB_PREFIX = "hf://"
_ADDRESS = re.compile(r"hf://(?P<repo_id>[\w.-]+/[\w.-]+)(@(?P<revision>.+))?")
PATTERNS = ["config.yaml", "model.weights.h5", "card.md", "samples.*", "*.json"]  # of the files of a preset


def hub_folder(address):
    """The folder of the local cache that holds a preset of the Hub; a `PresetError` where it cannot be fetched."""
    match = _ADDRESS.fullmatch(address)
    expected = f"{address}: hf://owner/name is expected, optionally with @revision"
    if not match:
        raise PresetError(expected)
    try:
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError:
        raise MissingDependencyError(f"{address} needs huggingface_hub: pip install 'kerazoo[hub]'") from None
    try:
        return huggingface_hub.snapshot_download(**match.groupdict(), allow_patterns=PATTERNS)
    except HFValidationError:
        raise PresetError(expected) from None
    except LocalEntryNotFoundError:
        raise PresetError(
            f"{address}: the Hugging Face Hub cannot be reached, and the preset is not in the local cache; "
            "connect once, or give a local folder"
        ) from None
    except (HfHubHTTPError, OSError) as error:
        raise PresetError(f"{address}: cannot be fetched ({str(error).strip().splitlines()[0]})") from None

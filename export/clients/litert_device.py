"""Draw images on a device from a LiteRT file. Needs ai-edge-litert, numpy and pillow; no TensorFlow.

kerazoo export dcgan --format litert --quantization float16 --batch-size 4 --out dcgan.tflite
python export/clients/litert_device.py dcgan.tflite --num 16 --seed 0 --out digits.png
"""

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from pictures import check_generate, draw_latents, make_parser, parse, save_grid


def main():
    parser = make_parser(__doc__, "device.png")
    parser.add_argument("file")
    parser.add_argument("--threads", type=int, default=2)
    options = parse(parser)

    try:
        interpreter = Interpreter(options.file, num_threads=options.threads)
        generate = interpreter.get_signature_runner("generate")
    except ValueError as error:
        raise SystemExit(f"{options.file}: {' '.join(str(error).split())}") from None
    inputs = generate.get_input_details()
    check_generate(options.file, inputs, generate.get_output_details())
    z = draw_latents(options.num, inputs["z"]["shape"][1], options.prior, options.seed)
    # Networks with transposed convolutions take exactly the rows a call that the file was exported with (--batch-size):
    # with others the interpreter fails, in its delegate and without a reason.
    batch = max(inputs["z"]["shape_signature"][0], 0) or options.num
    parts = [z[start : start + batch] for start in range(0, options.num, batch)]
    parts[-1] = np.pad(parts[-1], ((0, batch - len(parts[-1])), (0, 0)))  # zeros fill the last call up
    images = np.concatenate([generate(z=part)["images"] for part in parts])[: options.num]
    save_grid(images, options.out)
    print(f"wrote {options.out}: {options.num} images of {options.file}")


if __name__ == "__main__":
    main()

// Records the microphone as WAV: without loss, and in every browser alike.

const UNPROCESSED = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };

export class Recorder {
  // heard(level, seconds): called as sound comes in; level: the peak, from 0 to 1.
  constructor(heard) {
    this.heard = heard;
  }

  async start() {
    this.blocks = [];
    this.samples = 0;
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: UNPROCESSED });
    this.context = new AudioContext();
    await this.context.audioWorklet.addModule("/microphone.js");
    const microphone = new AudioWorkletNode(this.context, "microphone", { numberOfOutputs: 0 });
    microphone.port.onmessage = ({ data }) => this.take(data);
    this.context.createMediaStreamSource(this.stream).connect(microphone);
    await this.context.resume();
  }

  take(block) {
    this.blocks.push(block);
    this.samples += block.length;
    let peak = 0;
    for (const sample of block) peak = Math.max(peak, Math.abs(sample));
    this.heard(peak, this.samples / this.context.sampleRate);
  }

  // Ends the recording; its Blob, a WAV file.
  async stop() {
    const rate = this.context?.sampleRate;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    await this.context?.close();
    return wav(this.blocks, this.samples, rate);
  }
}

// Blocks of samples in [-1, 1] as a WAV file of 16 bits.
function wav(blocks, samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples));
  const text = (at, word) => [...word].forEach((letter, place) => view.setUint8(at + place, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples, true);
  let at = 44;
  for (const block of blocks) {
    for (const sample of block) {
      view.setInt16(at, Math.round(Math.max(-1, Math.min(1, sample)) * 32767), true);
      at += 2;
    }
  }
  return new Blob([view], { type: "audio/wav" });
}

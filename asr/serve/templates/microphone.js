// Runs beside the page, on the thread of the sound: hands over what the microphone hears, 128 samples at a time.
class Microphone extends AudioWorkletProcessor {
  process([channels]) {
    if (channels.length) this.port.postMessage(channels[0].slice());
    return true;
  }
}

registerProcessor("microphone", Microphone);
